//! HTTP/1.1: a request under way at a time on each connection.

mod body;
mod connection;
mod malformed;
mod request;
mod response;

#[cfg(any(test, fuzzing))]
pub use body::{Body, Ends};
pub use connection::{Asked, Connection};
#[cfg(any(test, fuzzing))]
pub use malformed::Malformed;
pub use request::{Encoded, encode};
#[cfg(any(test, fuzzing))]
pub use response::head;
pub use response::{header, headers, headers_of};
