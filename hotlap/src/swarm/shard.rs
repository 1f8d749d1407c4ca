//! What the users of one thread share: the target, the timer, the accounts, and chance.

use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use super::histogram::Histogram;
use super::lock::held;
use super::recorder::Recorder;
use super::stop::StopSignal;
use super::target::Target;
use super::timer::Timer;

/// What the users of one thread share.
pub struct Shard {
    pub target: Arc<Target>,
    pub timer: Timer,
    recorders: Mutex<Vec<Recorder>>,
    late: Mutex<Histogram>,
    random: Mutex<fastrand::Rng>,
}

impl Shard {
    /// An empty one; `seed` is of what is left to chance.
    pub fn new(target: Arc<Target>, timer: Timer, seed: u64) -> Self {
        Self {
            target,
            timer,
            recorders: Mutex::default(),
            late: Mutex::default(),
            random: Mutex::new(fastrand::Rng::with_seed(seed)),
        }
    }

    /// The accounts, one for each name, to be changed at once and let go.
    pub fn recorders(&self) -> MutexGuard<'_, Vec<Recorder>> {
        held(&self.recorders)
    }

    /// A number from 0 up to 1.
    pub fn random(&self) -> f64 {
        held(&self.random).f64()
    }

    /// A wait between two bounds.
    pub fn wait(&self, (low, high): (Duration, Duration)) -> Duration {
        if low == high {
            low
        } else {
            low + (high - low).mul_f64(self.random())
        }
    }

    /// How late the thread woke from its pauses, in microseconds.
    pub fn late(&self) -> MutexGuard<'_, Histogram> {
        held(&self.late)
    }

    /// Wait until a moment, or until told to end.
    pub async fn pause(&self, stop: &StopSignal, until: Instant) {
        tokio::select! {
            () = self.timer.until(until) => {}
            () = stop.raised() => {}
        }
    }
}
