//! HTTP/1.1: a request under way at a time on each connection.

mod body;
mod connection;
mod malformed;
mod request;
mod response;

pub use connection::{Asked, Connection};
pub use request::{Encoded, encode};
pub use response::{header, headers, headers_of};
