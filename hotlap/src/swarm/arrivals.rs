//! Open arrivals: requests start at a rate, whatever the answers do, up to a bound in flight.

use std::future::Future;
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

/// What arrived on a thread and has not ended, up to a bound.
pub struct UnderWay {
    shard: Arc<Shard>,
    stop: Arc<StopSignal>,
    places: usize,
    in_flight: Arc<AtomicUsize>,
    idle: Idle,
    tasks: JoinSet<()>,
}

impl UnderWay {
    /// Nothing yet; `in_flight` is shared with whoever has the same places.
    pub fn new(
        shard: &Arc<Shard>,
        stop: &Arc<StopSignal>,
        places: usize,
        in_flight: &Arc<AtomicUsize>,
    ) -> Self {
        Self {
            shard: Arc::clone(shard),
            stop: Arc::clone(stop),
            places,
            in_flight: Arc::clone(in_flight),
            idle: Idle::default(),
            tasks: JoinSet::new(),
        }
    }

    /// Let an arrival act with a session that nobody uses, or turn it away where all places are taken; `name` says
    /// where that is counted.
    pub fn begin<F>(&mut self, name: usize, act: impl FnOnce(Session) -> F + Send + 'static)
    where
        F: Future<Output = (Session, Exchanged)> + Send,
    {
        while self.tasks.try_join_next().is_some() {}
        if self.in_flight.fetch_add(1, Ordering::Relaxed) >= self.places {
            self.in_flight.fetch_sub(1, Ordering::Relaxed);
            self.shard.recorders()[name].turn_away();
            return;
        }
        let place = Place(Arc::clone(&self.in_flight));
        let (shard, idle, stop) = (
            Arc::clone(&self.shard),
            Arc::clone(&self.idle),
            Arc::clone(&self.stop),
        );
        self.tasks.spawn(async move {
            let mut session = held(&idle).pop().unwrap_or_default();
            // Each arrival is another user's.
            session.leave();
            let (session, exchanged) = act(session).await;
            match exchanged {
                Exchanged::Answered => held(&idle).push(session),
                // The place stays taken for the back-off: a dead server is not hammered.
                Exchanged::Lost => shard.timer.until(Instant::now() + BACK_OFF).await,
                Exchanged::OutOfData => stop.raise(),
            }
            drop(place);
        });
    }

    /// Wait until all have ended.
    pub async fn finish(&mut self) {
        while self.tasks.join_next().await.is_some() {}
    }
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
    // The bound holds for all arrivals of the behaviour on this thread.
    let in_flight = &behaviour.in_flight[thread];
    let mut under_way = UnderWay::new(&shard, &stop, behaviour.places, in_flight);
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
        let chosen = behaviour.choose(|| shard.random());
        let (shard, behaviour, stop) = (
            Arc::clone(&shard),
            Arc::clone(&behaviour),
            Arc::clone(&stop),
        );
        under_way.begin(chosen.name, move |mut session| async move {
            let exchanged = behaviour
                .act(&shard, chosen, &mut session, intended, &stop)
                .await;
            (session, exchanged)
        });
        intended += gap();
    }
    under_way.finish().await;
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
