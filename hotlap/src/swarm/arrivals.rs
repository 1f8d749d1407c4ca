//! Open arrivals: requests start at a rate, whatever the answers do, up to a bound in flight.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::task::JoinSet;

use super::behaviour::{Arriving, BACK_OFF, Behaviour};
use super::connection::Connection;
use super::engine::{Ending, Shard};
use super::user::{ask, pause};

/// Connections that wait for the next arrival; the last used is the first to be used again.
type Idle = Arc<Mutex<Vec<Connection>>>;

fn take(idle: &Idle) -> Connection {
    idle.lock()
        .unwrap_or_else(PoisonError::into_inner)
        .pop()
        .unwrap_or_default()
}

fn give(idle: &Idle, connection: Connection) {
    idle.lock()
        .unwrap_or_else(PoisonError::into_inner)
        .push(connection);
}

/// Start `rate` requests a second until told to end; those under way are then finished.
pub async fn offer(
    shard: Arc<Shard>,
    behaviour: Arc<Behaviour>,
    ending: Arc<Ending>,
    rate: f64,
    thread: usize,
) {
    let Arriving::Open { exponential, .. } = behaviour.arriving else {
        return;
    };
    let idle = Idle::default();
    // The bound holds for all arrivals of the behaviour on this thread.
    let in_flight = &behaviour.in_flight[thread];
    let mut under_way = JoinSet::new();
    let mean = Duration::from_secs_f64(1.0 / rate);
    // Even arrivals of several users are spread over the gap by chance.
    let mut intended = Instant::now() + mean.mul_f64(shard.random());
    loop {
        pause(&shard, &ending, intended).await;
        if ending.asked() {
            break;
        }
        while under_way.try_join_next().is_some() {}
        let chosen = behaviour.choose(|| shard.random());
        if in_flight.fetch_add(1, Ordering::Relaxed) >= behaviour.places {
            in_flight.fetch_sub(1, Ordering::Relaxed);
            shard.figures()[behaviour.request(chosen).name].not_offered += 1;
        } else {
            let place = Place(Arc::clone(in_flight));
            let (shard, behaviour, idle) = (
                Arc::clone(&shard),
                Arc::clone(&behaviour),
                Arc::clone(&idle),
            );
            under_way.spawn(async move {
                let mut connection = take(&idle);
                let ready = behaviour.request(chosen);
                if ask(&shard, ready, &mut connection, intended).await {
                    give(&idle, connection);
                } else {
                    // The place stays taken for the back-off: a dead server is not hammered.
                    shard.timer.until(Instant::now() + BACK_OFF).await;
                }
                drop(place);
            });
        }
        let gap = if exponential {
            mean.mul_f64(-(1.0 - shard.random()).ln())
        } else {
            mean
        };
        intended += gap;
    }
    while under_way.join_next().await.is_some() {}
}

/// A place among those that may be in flight.
struct Place(Arc<AtomicUsize>);

impl Drop for Place {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
