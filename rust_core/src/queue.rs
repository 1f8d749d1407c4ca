//! The lock that is held through a wait: fair, asynchronous, without a parked thread.
//!
//! It is tokio's read-write lock, which serves its waiters in the order in which they came and lets
//! one leave the queue (drop its [`Place`]) at any time. It needs no runtime: whoever polls brings the
//! waker. `/read` takes its exclusive side only.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::task::{Context, Poll};
use std::time::Instant;

use tokio::sync::{OwnedRwLockReadGuard, OwnedRwLockWriteGuard, RwLock};

use crate::histogram::Histogram;

/// A side of the lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// Held by any number at once.
    Shared,
    /// Held alone.
    Exclusive,
}

enum Guard {
    Shared(#[allow(dead_code)] OwnedRwLockReadGuard<()>),
    Exclusive(#[allow(dead_code)] OwnedRwLockWriteGuard<()>),
}

/// A fair lock that knows how long it was waited for and held.
#[derive(Debug, Default)]
pub struct FairLock {
    lock: Arc<RwLock<()>>,
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

    /// A side of the lock, if it is free and nobody waits for it.
    #[must_use]
    pub fn try_hold(self: &Arc<Self>, side: Side) -> Option<Hold> {
        let lock = Arc::clone(&self.lock);
        let guard = match side {
            Side::Shared => Guard::Shared(lock.try_read_owned().ok()?),
            Side::Exclusive => Guard::Exclusive(lock.try_write_owned().ok()?),
        };
        self.wait.observe_ns(0);
        Some(Hold::new(Arc::clone(self), guard))
    }

    /// A place in the queue, taken when it is first polled.
    #[must_use]
    pub fn queue(self: &Arc<Self>, side: Side) -> Place {
        self.waiting.fetch_add(1, Relaxed);
        let lock = Arc::clone(&self.lock);
        Place {
            future: match side {
                Side::Shared => Box::pin(async { Guard::Shared(lock.read_owned().await) }),
                Side::Exclusive => Box::pin(async { Guard::Exclusive(lock.write_owned().await) }),
            },
            since: Instant::now(),
            lock: Arc::clone(self),
        }
    }

    /// Whether somebody holds the lock.
    #[must_use]
    pub fn is_held(&self) -> bool {
        self.lock.try_write().is_err()
    }

    /// How many places are in the queue.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.waiting.load(Relaxed)
    }
}

/// A place in the queue for a lock; dropping it gives the place up.
pub struct Place {
    future: Pin<Box<dyn Future<Output = Guard> + Send>>,
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
    /// When it began; `None` once it is known to be cut short.
    since: Option<Instant>,
    lock: Arc<FairLock>,
    _guard: Guard,
}

impl Hold {
    fn new(lock: Arc<FairLock>, guard: Guard) -> Self {
        Self {
            since: Some(Instant::now()),
            lock,
            _guard: guard,
        }
    }

    /// Release the lock without counting how long it was held: the work was cut short.
    pub fn cut_short(mut self) {
        self.since = None;
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        if let Some(since) = self.since {
            self.lock.hold.observe(since.elapsed());
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use std::task::Waker;

    fn poll(place: &mut Place) -> Poll<Hold> {
        Pin::new(place).poll(&mut Context::from_waker(Waker::noop()))
    }

    #[test]
    fn waiters_are_served_in_the_order_in_which_they_came() {
        let lock = FairLock::new();
        let held = lock.try_hold(Side::Exclusive).expect("nobody holds it");
        assert!(lock.is_held());
        let mut places: Vec<Place> = (0..5).map(|_| lock.queue(Side::Exclusive)).collect();
        assert!(places.iter_mut().all(|place| poll(place).is_pending()));
        assert_eq!(lock.waiting(), 5);
        drop(held);
        assert!(
            lock.try_hold(Side::Exclusive).is_none(),
            "nobody overtakes the queue"
        );
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
        let held = lock.try_hold(Side::Exclusive).expect("nobody holds it");
        let (mut first, mut second, mut third) = (
            lock.queue(Side::Exclusive),
            lock.queue(Side::Exclusive),
            lock.queue(Side::Exclusive),
        );
        assert!(poll(&mut first).is_pending());
        assert!(poll(&mut second).is_pending());
        assert!(poll(&mut third).is_pending());
        drop(second);
        drop(held);
        drop(first);
        assert!(poll(&mut third).is_ready());
        assert_eq!(lock.wait.snapshot().count(), 2);
    }

    #[test]
    fn readers_share_the_lock_and_a_writer_that_waits_is_not_overtaken() {
        let lock = FairLock::new();
        let one = lock.try_hold(Side::Shared).expect("nobody holds it");
        let other = lock.try_hold(Side::Shared).expect("readers share it");
        let mut writer = lock.queue(Side::Exclusive);
        assert!(poll(&mut writer).is_pending());
        assert!(
            lock.try_hold(Side::Shared).is_none(),
            "the writer is before"
        );
        let mut reader = lock.queue(Side::Shared);
        assert!(poll(&mut reader).is_pending());
        drop((one, other));
        assert!(poll(&mut reader).is_pending());
        let Poll::Ready(written) = poll(&mut writer) else {
            panic!("it is the writer's turn")
        };
        drop(written);
        assert!(poll(&mut reader).is_ready());
    }
}
