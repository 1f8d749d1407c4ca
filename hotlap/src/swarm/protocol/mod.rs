//! How requests are sent and answers are read: a folder for each protocol, and what all of them give.

mod http1;
mod outcome;
mod outgoing;
mod stream;
mod wire;

// There is one protocol so far. With another, a target says which of them its connections speak.
pub use http1::{Asked, Connection, Encoded, encode, header, headers, headers_of};
#[cfg(any(test, fuzzing))]
pub use http1::{Body, Ends, Malformed, head};
pub use outcome::{Answer, Failure, Received, Verdict};
pub use outgoing::Outgoing;
#[cfg(any(test, fuzzing))]
pub use stream::Events;
pub use stream::Tap;
