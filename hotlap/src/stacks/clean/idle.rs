//! Innermost frames that only wait: a thread that is there takes no processor.

use crate::stacks::model::Parts;

/// Functions that only wait, without what the C library puts around their names.
const IDLE_NAMES: &[&str] = &[
    "epoll_wait",
    "epoll_pwait",
    "epoll_pwait2",
    "futex",
    "futex_wait",
    "futex_abstimed_wait",
    "futex_abstimed_wait_common",
    "futex_abstimed_wait_common64",
    "futex_abstimed_wait_cancelable64",
    "futex_lock_pi64",
    "lll_lock_wait",
    "lll_lock_wait_private",
    "sched_yield",
    "poll",
    "ppoll",
    "select",
    "pselect",
    "pselect64",
    "nanosleep",
    "clock_nanosleep",
    "clock_nanosleep_time64",
    "usleep",
    "sleep",
    "pause",
    "sigsuspend",
    "sigwait",
    "sigtimedwait",
    "pthread_cond_wait",
    "pthread_cond_timedwait",
    "pthread_cond_clockwait",
    "pthread_cond_wait_common",
    "pthread_join",
    "pthread_clockjoin_ex",
    "pthread_timedjoin_ex",
    "sem_wait",
    "sem_timedwait",
    "sem_clockwait",
    "new_sem_wait",
    "new_sem_wait_slow64",
    "do_futex_wait",
    "accept",
    "accept4",
    "wait4",
    "waitpid",
    "waitid",
    "eventfd_read",
    "io_uring_enter",
    "kevent",
    // Rust's standard library and runtimes wait on their futexes through this one.
    "syscall",
];

/// Rust's own names for such functions: a path that ends so.
const IDLE_PATHS: &[&str] = &[
    "futex::futex_wait",
    "Condvar::wait",
    "Condvar::wait_until",
    "Condvar::wait_for",
    "thread_parker::imp::ThreadParker::park",
    "ThreadParker::futex_wait",
    "Parker::park",
    "thread::park",
    "thread::sleep",
    "parking_lot_core::parking_lot::park",
    "sys::unix::selector::epoll::Selector::select",
];

/// Functions that wait only when the C library's own, unnamed code is below them.
const IDLE_IN_LIBC: &[&str] = &[
    "pthread_mutex_lock",
    "pthread_rwlock_rdlock",
    "pthread_rwlock_wrlock",
    "PyThread_acquire_lock_timed",
    "queue_SimpleQueue_get_impl",
    "take_gil",
];

/// Whether a frame is idle: only waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Idle {
    /// Only waits.
    Yes,
    /// Waits if the C library's unnamed code is below it.
    InLibc,
    /// The C library's unnamed code or the kernel's: waits if its caller does.
    AsCaller,
    /// Does something.
    No,
}

/// Whether this frame, taken apart and demangled, is idle.
#[must_use]
pub fn idle(parts: &Parts<'_>, name: &str) -> Idle {
    if parts.kernel {
        return Idle::AsCaller;
    }
    if parts.address().is_some_and(|library| {
        library
            .rsplit('/')
            .next()
            .is_some_and(|file| file.starts_with("libc"))
    }) {
        return Idle::AsCaller;
    }
    let bare = c_name(name);
    if IDLE_NAMES.contains(&bare) || IDLE_PATHS.iter().any(|end| is_path_end(name, end)) {
        Idle::Yes
    } else if IDLE_IN_LIBC.contains(&bare) {
        Idle::InLibc
    } else {
        Idle::No
    }
}

/// A C function without what the C library puts around its name: `__GI___poll` is `poll`.
fn c_name(name: &str) -> &str {
    let name = name.split('@').next().unwrap_or(name);
    let name = name
        .trim_start_matches("__GI_")
        .trim_start_matches('_')
        .trim_start_matches("libc_");
    let name = name.strip_prefix("sys_").unwrap_or(name);
    name.strip_suffix("_nocancel")
        .map_or(name, |name| name.trim_end_matches('_'))
}

fn is_path_end(name: &str, end: &str) -> bool {
    name.strip_suffix(end)
        .is_some_and(|before| before.is_empty() || before.ends_with("::"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Idle {
        let parts = Parts::of(text);
        idle(&parts, parts.name)
    }

    #[test]
    fn waits_are_known_by_all_their_names() {
        for text in [
            "epoll_wait (libc.so.6)",
            "__GI___poll",
            "__futex_abstimed_wait_common64",
            "sched_yield",
            "__pthread_cond_wait@@GLIBC_2.3.2",
            "std::thread::sleep",
            "parking_lot::Condvar::wait",
        ] {
            assert_eq!(of(text), Idle::Yes, "{text}");
        }
        assert_eq!(of("0x7f00 (libc.so.6)"), Idle::AsCaller);
        assert_eq!(of("pthread_mutex_lock (libc.so.6)"), Idle::InLibc);
        for text in [
            "write (libc.so.6)",
            "pthread_cond_signal (libc.so.6)",
            "poll_ready",
            "poll (app.py:3)",
        ] {
            let parts = Parts::of(text);
            if parts.kind() != crate::stacks::model::Kind::Python {
                assert_eq!(of(text), Idle::No, "{text}");
            }
        }
    }
}
