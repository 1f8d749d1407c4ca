//! The exclusive lock that is held through a wait: fair, asynchronous, without a parked thread.
//!
//! It is tokio's mutex, which serves its waiters in the order in which they came and lets one leave
//! the queue (drop its [`Place`]) at any time. It needs no runtime: whoever polls brings the waker.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::task::{Context, Poll};
use std::time::Instant;

use tokio::sync::{Mutex, OwnedMutexGuard};

use crate::histogram::Histogram;

/// A fair exclusive lock that knows how long it was waited for and held.
#[derive(Debug, Default)]
pub struct FairLock {
    mutex: Arc<Mutex<()>>,
    waiting: AtomicUsize,
    /// From asking for the lock to having it; who leaves the queue before is not counted.
    pub wait: Histogram,
    /// From having the lock to releasing it.
    pub hold: Histogram,
}

impl FairLock {
    /// A lock that nobody holds.
    #[must_use]
    pub fn new() -> Arc<Self> {
        Arc::new(Self::default())
    }

    /// The lock, if nobody holds it or waits for it.
    #[must_use]
    pub fn try_hold(self: &Arc<Self>) -> Option<Hold> {
        let guard = Arc::clone(&self.mutex).try_lock_owned().ok()?;
        self.wait.observe_ns(0);
        Some(Hold::new(Arc::clone(self), guard))
    }

    /// A place in the queue, taken when it is first polled.
    #[must_use]
    pub fn queue(self: &Arc<Self>) -> Place {
        self.waiting.fetch_add(1, Relaxed);
        Place {
            future: Box::pin(Arc::clone(&self.mutex).lock_owned()),
            since: Instant::now(),
            lock: Arc::clone(self),
        }
    }

    /// Whether somebody holds the lock.
    #[must_use]
    pub fn is_held(&self) -> bool {
        self.mutex.try_lock().is_err()
    }

    /// How many places are in the queue.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.waiting.load(Relaxed)
    }
}

/// A place in the queue for a lock; dropping it gives the place up.
pub struct Place {
    future: Pin<Box<dyn Future<Output = OwnedMutexGuard<()>> + Send>>,
    since: Instant,
    lock: Arc<FairLock>,
}

impl Future for Place {
    type Output = Hold;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Hold> {
        self.future.as_mut().poll(context).map(|guard| {
            self.lock.wait.observe(self.since.elapsed());
            Hold::new(Arc::clone(&self.lock), guard)
        })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.lock.waiting.fetch_sub(1, Relaxed);
    }
}

/// The lock, held until this is dropped.
pub struct Hold {
    since: Instant,
    lock: Arc<FairLock>,
    _guard: OwnedMutexGuard<()>,
}

impl Hold {
    fn new(lock: Arc<FairLock>, guard: OwnedMutexGuard<()>) -> Self {
        Self {
            since: Instant::now(),
            lock,
            _guard: guard,
        }
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        self.lock.hold.observe(self.since.elapsed());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::task::Waker;

    fn poll(place: &mut Place) -> Poll<Hold> {
        Pin::new(place).poll(&mut Context::from_waker(Waker::noop()))
    }

    #[test]
    fn waiters_are_served_in_the_order_in_which_they_came() {
        let lock = FairLock::new();
        let held = lock.try_hold().expect("nobody holds it");
        assert!(lock.is_held());
        let mut places: Vec<Place> = (0..5).map(|_| lock.queue()).collect();
        assert!(places.iter_mut().all(|place| poll(place).is_pending()));
        assert_eq!(lock.waiting(), 5);
        drop(held);
        assert!(lock.try_hold().is_none(), "nobody overtakes the queue");
        for at in 0..5 {
            for later in &mut places[at + 1..] {
                assert!(poll(later).is_pending());
            }
            let Poll::Ready(hold) = poll(&mut places[at]) else {
                panic!("it is number {at}'s turn")
            };
            drop(hold);
        }
        drop(places);
        assert_eq!(lock.waiting(), 0);
        assert_eq!(lock.wait.snapshot().count(), 6);
        assert_eq!(lock.hold.snapshot().count(), 6);
    }

    #[test]
    fn who_leaves_the_queue_is_passed_over_even_when_its_turn_has_come() {
        let lock = FairLock::new();
        let held = lock.try_hold().expect("nobody holds it");
        let (mut first, mut second, mut third) = (lock.queue(), lock.queue(), lock.queue());
        assert!(poll(&mut first).is_pending());
        assert!(poll(&mut second).is_pending());
        assert!(poll(&mut third).is_pending());
        drop(second);
        drop(held);
        drop(first);
        assert!(poll(&mut third).is_ready());
        assert_eq!(lock.wait.snapshot().count(), 2);
    }
}
