//! How requests are sent and answers are read: a folder for each protocol, and what all of them give.

pub mod http1;
mod outcome;

pub use outcome::Failure;
