//! What every protocol gives for a request.

use std::io;
use std::time::{Duration, Instant};

/// Why a request had no answer.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    #[error("cannot connect: {0}")]
    Connect(io::Error),
    #[error("cannot connect: timed out")]
    ConnectTimeout,
    #[error("connection lost: {0}")]
    Transport(io::Error),
    /// What came is not an answer of the protocol.
    #[error("{0}")]
    Malformed(String),
    /// It has more bytes than it may.
    #[error("the answer is longer than {0} bytes")]
    TooLong(usize),
    #[error("no answer in time")]
    Timeout,
    #[error("the answer did not end in time")]
    Unended,
}

/// An answer as it came.
#[derive(Clone, Copy, Debug)]
pub struct Received<'a> {
    pub status: u16,
    /// With all its headers.
    pub head: &'a [u8],
    pub body: &'a [u8],
}

/// What was found of an answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verdict {
    /// What is wrong with it.
    pub objection: Option<String>,
    /// Whether its body was parsed, where there is something to hold against it.
    pub parsed: bool,
}

/// An answer, and what was found of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    pub body_bytes: usize,
    pub verdict: Verdict,
    /// Whether it ended with a TLS connection that was closed without notice.
    pub cut: bool,
}

/// What came back for a request.
#[derive(Debug)]
pub struct Outcome {
    /// When the request really went out, after the connection stood.
    pub sent: Instant,
    pub result: Result<Answer, Failure>,
    /// How long connecting took, where a connection had to be made.
    pub connect: Option<Duration>,
    /// Whether it was sent once more, since the server had just closed the connection that was kept.
    pub reconnected: bool,
}
