//! How requests are sent and answers are read: a folder for each protocol, and what all of them give.

mod http1;
mod outcome;
mod outgoing;

// There is one protocol so far. With another, a target says which of them its connections speak.
pub use http1::{Connection, Encoded, encode, header, headers};
#[cfg(any(test, fuzzing))]
pub use http1::{Malformed, Progress, head};
pub use outcome::{Answer, Failure, Received, Verdict};
pub use outgoing::Outgoing;
