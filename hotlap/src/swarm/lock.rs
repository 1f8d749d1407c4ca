//! Locks that a panic does not close: what they guard is whole between any two changes.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// The lock, taken; to be let go at once.
pub fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Both locks, taken in one order whichever is named first, so that two who take the same do not wait for good.
/// `None` if they are one.
#[cfg(feature = "python")]
pub fn both_held<'a, T>(
    one: &'a Mutex<T>,
    two: &'a Mutex<T>,
) -> Option<(MutexGuard<'a, T>, MutexGuard<'a, T>)> {
    let order = std::ptr::from_ref(one).cmp(&std::ptr::from_ref(two));
    match order {
        std::cmp::Ordering::Equal => None,
        std::cmp::Ordering::Less => {
            let first = held(one);
            Some((first, held(two)))
        }
        std::cmp::Ordering::Greater => {
            let first = held(two);
            Some((held(one), first))
        }
    }
}
