//! The load engine: virtual users on tokio threads.

mod histogram;

pub use histogram::{DecodeError, Histogram};
