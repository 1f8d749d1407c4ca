//! HTTP/1.1: a request under way at a time on each connection.

mod connection;
mod request;
mod response;

pub use connection::Connection;
pub use request::{Encoded, encode};
#[cfg(any(test, fuzzing))]
pub use response::{Malformed, Progress, head};
pub use response::{header, headers};
