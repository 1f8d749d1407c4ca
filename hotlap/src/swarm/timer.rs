//! Sleeps with the kernel's resolution. Tokio's own timers round up to whole milliseconds, which would
//! be read as latency: a request is timed from the moment for which it was intended.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create,
    timerfd_settime,
};
use tokio::io::unix::AsyncFd;

use super::lock::held;

/// One sleep: woken once its time has come.
#[derive(Default)]
struct Slot {
    due: bool,
    waker: Option<Waker>,
}

struct Entry {
    at: Instant,
    slot: Arc<Mutex<Slot>>,
}

impl PartialEq for Entry {
    fn eq(&self, other: &Self) -> bool {
        self.at == other.at
    }
}
impl Eq for Entry {}
impl PartialOrd for Entry {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Entry {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.at.cmp(&other.at)
    }
}

/// The sleeps of one runtime, behind one timer of the kernel.
#[derive(Clone)]
pub struct Timer(Arc<Inner>);

struct Inner {
    fd: AsyncFd<std::os::fd::OwnedFd>,
    heap: Mutex<BinaryHeap<Reverse<Entry>>>,
}

impl Timer {
    /// A timer on the current runtime, with the task that wakes its sleepers.
    pub fn start() -> io::Result<Self> {
        let fd = timerfd_create(
            TimerfdClockId::Monotonic,
            TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC,
        )?;
        // SAFETY: the descriptor is owned by the `AsyncFd`, which closes it only after it is deregistered.
        let fd = unsafe { AsyncFd::register(fd) }?;
        let timer = Self(Arc::new(Inner {
            fd,
            heap: Mutex::default(),
        }));
        let weak = Arc::downgrade(&timer.0);
        tokio::spawn(async move {
            while let Some(inner) = weak.upgrade() {
                let Ok(mut ready) = inner.fd.readable().await else {
                    return;
                };
                let mut expirations = [0; 8];
                // An empty read means that the timer was set anew meanwhile: wait for it again.
                if ready
                    .try_io(|fd| Ok(rustix::io::read(fd.get_ref(), &mut expirations)?))
                    .is_ok()
                {
                    inner.wake_due();
                }
            }
        });
        Ok(timer)
    }

    /// Sleep until a moment; one that has passed is over at once.
    pub fn until(&self, at: Instant) -> Sleep {
        Sleep {
            inner: Arc::clone(&self.0),
            at,
            slot: None,
        }
    }
}

impl Inner {
    fn add(&self, entry: Entry) {
        let mut heap = held(&self.heap);
        let first = heap.peek().is_none_or(|Reverse(first)| entry.at < first.at);
        let at = entry.at;
        heap.push(Reverse(entry));
        if first {
            self.set(at);
        }
    }

    fn set(&self, at: Instant) {
        // A zero would switch the timer off.
        let left = at
            .saturating_duration_since(Instant::now())
            .max(Duration::from_nanos(1));
        let value = Timespec {
            tv_sec: left.as_secs().try_into().unwrap_or(i64::MAX),
            tv_nsec: left.subsec_nanos().into(),
        };
        let spec = Itimerspec {
            it_interval: Timespec {
                tv_sec: 0,
                tv_nsec: 0,
            },
            it_value: value,
        };
        timerfd_settime(self.fd.get_ref(), TimerfdTimerFlags::empty(), &spec)
            .expect("a valid time on a timer of our own");
    }

    fn wake_due(&self) {
        let mut wakers = Vec::new();
        {
            let mut heap = held(&self.heap);
            let now = Instant::now();
            while heap.peek().is_some_and(|Reverse(first)| first.at <= now) {
                if let Some(Reverse(entry)) = heap.pop() {
                    let mut slot = held(&entry.slot);
                    slot.due = true;
                    wakers.extend(slot.waker.take());
                }
            }
            if let Some(Reverse(first)) = heap.peek() {
                self.set(first.at);
            }
        }
        wakers.into_iter().for_each(Waker::wake);
    }
}

/// A sleep. Dropped before its time, its entry goes when the time comes.
pub struct Sleep {
    inner: Arc<Inner>,
    at: Instant,
    slot: Option<Arc<Mutex<Slot>>>,
}

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        if let Some(slot) = &self.slot {
            let mut slot = held(slot);
            if slot.due {
                return Poll::Ready(());
            }
            slot.waker = Some(context.waker().clone());
            return Poll::Pending;
        }
        if self.at <= Instant::now() {
            return Poll::Ready(());
        }
        let slot = Arc::new(Mutex::new(Slot {
            due: false,
            waker: Some(context.waker().clone()),
        }));
        self.inner.add(Entry {
            at: self.at,
            slot: Arc::clone(&slot),
        });
        self.slot = Some(slot);
        Poll::Pending
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn sleeps_end_in_order_and_never_early() {
        let timer = Timer::start().unwrap();
        let began = Instant::now();
        let order = Arc::new(Mutex::new(Vec::new()));
        let sleeps = [30_u64, 5, 17, 0, 5].map(|ms| {
            let (timer, order) = (timer.clone(), Arc::clone(&order));
            tokio::spawn(async move {
                timer.until(began + Duration::from_millis(ms)).await;
                assert!(began.elapsed() >= Duration::from_millis(ms));
                held(&order).push(ms);
            })
        });
        for sleep in sleeps {
            sleep.await.unwrap();
        }
        assert_eq!(*held(&order), [0, 5, 5, 17, 30]);
    }

    #[tokio::test]
    async fn a_dropped_sleep_disturbs_no_other() {
        let timer = Timer::start().unwrap();
        let began = Instant::now();
        let dropped = timer.until(began + Duration::from_millis(5));
        let _ = tokio::time::timeout(Duration::from_millis(1), dropped).await;
        timer.until(began + Duration::from_millis(20)).await;
        assert!(began.elapsed() >= Duration::from_millis(20));
    }
}
