//! What the lab itself writes into the texts of frames.

/// The suffix by which collapsed files mark the kernel's frames.
pub const KERNEL_SUFFIX: &str = "_[k]";

/// A frame's text without the suffix that is for files: the kind tells that it is the kernel's.
#[must_use]
pub fn shown(text: &str) -> &str {
    text.strip_suffix(KERNEL_SUFFIX).unwrap_or(text)
}

/// What cleaning writes in front of a thread's role.
pub const ROLE_PREFIX: &str = "thread: ";

/// The frame that stands for a stack that is nothing but start-up.
pub const START_UP: &str = "[start-up]";
/// The machinery of an event loop.
pub const EVENT_LOOP: &str = "[event loop]";
/// The machinery of a pool of threads.
pub const THREAD_POOL: &str = "[thread pool]";
