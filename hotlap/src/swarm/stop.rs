//! The signal by which one user is told to end.

use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::Notify;

/// Ends a user: at its next pause, or after a grace in the middle of a request.
#[derive(Default)]
pub struct StopSignal {
    raised: AtomicBool,
    waiting: Notify,
}

impl StopSignal {
    /// Whether the user shall end.
    pub fn is_raised(&self) -> bool {
        self.raised.load(Ordering::Acquire)
    }

    /// Wait until it shall.
    pub async fn raised(&self) {
        while !self.is_raised() {
            self.waiting.notified().await;
        }
    }

    /// Tell the user to end.
    pub fn raise(&self) {
        self.raised.store(true, Ordering::Release);
        // One waiter at the most; a permit is kept for one that comes later.
        self.waiting.notify_one();
    }
}
