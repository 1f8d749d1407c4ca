//! The load engine: virtual users on tokio threads.
