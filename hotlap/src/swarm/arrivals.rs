//! Open arrivals: requests start at a rate, whatever the answers do, up to a bound in flight.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tokio::task::JoinSet;

use super::behaviour::LoadModel;
use super::exchange::Exchanged;
use super::lock::held;
use super::session::Session;
use super::shard::Shard;
use super::stop::StopSignal;
use super::work::{BACK_OFF, PreparedBehaviour};

/// Sessions that wait for the next arrival; the last used is the first to be used again.
type Idle = Arc<Mutex<Vec<Session>>>;

fn take(idle: &Idle) -> Session {
    held(idle).pop().unwrap_or_default()
}

fn give(idle: &Idle, session: Session) {
    held(idle).push(session);
}

/// Start `rate` requests a second until told to end; those under way are then finished.
pub async fn offer(
    shard: Arc<Shard>,
    behaviour: Arc<PreparedBehaviour>,
    stop: Arc<StopSignal>,
    rate: f64,
    thread: usize,
) {
    let LoadModel::Open { exponential, .. } = behaviour.model else {
        return;
    };
    let idle = Idle::default();
    // The bound holds for all arrivals of the behaviour on this thread.
    let in_flight = &behaviour.in_flight[thread];
    let mut under_way = JoinSet::new();
    let mean = Duration::from_secs_f64(1.0 / rate);
    let gap = || {
        if exponential {
            mean.mul_f64(-(1.0 - shard.random()).ln())
        } else {
            mean
        }
    };
    let mut intended = if exponential {
        Instant::now() + gap()
    } else {
        on_grid(behaviour.epoch, behaviour.phase(), mean, Instant::now())
    };
    loop {
        shard.pause(&stop, intended).await;
        if stop.is_raised() {
            break;
        }
        while under_way.try_join_next().is_some() {}
        let chosen = behaviour.choose(|| shard.random());
        if in_flight.fetch_add(1, Ordering::Relaxed) >= behaviour.places {
            in_flight.fetch_sub(1, Ordering::Relaxed);
            shard.recorders()[chosen.name].turn_away();
        } else {
            let place = Place(Arc::clone(in_flight));
            let (shard, behaviour, idle, stop) = (
                Arc::clone(&shard),
                Arc::clone(&behaviour),
                Arc::clone(&idle),
                Arc::clone(&stop),
            );
            under_way.spawn(async move {
                let mut session = take(&idle);
                // Each arrival is another user's.
                session.leave();
                let exchanged = behaviour
                    .act(&shard, chosen, &mut session, intended, &stop)
                    .await;
                match exchanged {
                    Exchanged::Answered => give(&idle, session),
                    // The place stays taken for the back-off: a dead server is not hammered.
                    Exchanged::Lost => shard.timer.until(Instant::now() + BACK_OFF).await,
                    Exchanged::OutOfData => stop.raise(),
                }
                drop(place);
            });
        }
        intended += gap();
    }
    while under_way.join_next().await.is_some() {}
}

/// The first moment from `now` on of an even grid: `phase` (a share of the gap) after a common start.
///
/// Users with the same rate share the grid, each with a phase of its own, so that together they are near to even.
fn on_grid(epoch: Instant, phase: f64, gap: Duration, now: Instant) -> Instant {
    let passed = now.duration_since(epoch).as_secs_f64() / gap.as_secs_f64();
    epoch + gap.mul_f64((passed - phase).ceil().max(0.0) + phase)
}

/// A place among those that may be in flight.
struct Place(Arc<AtomicUsize>);

impl Drop for Place {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn users_who_come_at_any_time_share_an_even_grid() {
        let epoch = Instant::now();
        let gap = Duration::from_millis(100);
        for (phase, at_ms, wanted_ms) in [
            (0.0, 0, 0),
            (0.25, 0, 25),
            (0.25, 26, 125),
            (0.5, 1_000, 1_050),
        ] {
            let now = epoch + Duration::from_millis(at_ms);
            let first = on_grid(epoch, phase, gap, now).duration_since(epoch);
            assert_eq!(first.as_micros(), 1000 * wanted_ms, "{phase} at {at_ms} ms");
        }
    }
}
