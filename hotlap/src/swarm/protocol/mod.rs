//! How requests are sent and answers are read: a folder for each protocol, and what all of them give.

mod http1;
mod outcome;
mod outgoing;
mod stream;
mod wire;

// There is one protocol so far. With another, a target says which of them its connections speak.
pub use http1::{Asked, Connection, Encoded, encode, header, headers, headers_of};
pub use outcome::{Answer, Failure, Received, Verdict};
pub use outgoing::Outgoing;
pub use stream::Tap;
