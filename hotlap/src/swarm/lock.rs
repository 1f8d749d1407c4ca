//! Locks that a panic does not close: what they guard is whole between any two changes.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// The lock, taken; to be let go at once.
pub fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
