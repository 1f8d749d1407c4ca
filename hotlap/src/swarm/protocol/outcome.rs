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
    #[error("no answer in time")]
    Timeout,
}

/// An answer, and whether it was the expected one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answer {
    pub status: u16,
    pub body_bytes: usize,
    pub accepted: bool,
}

/// What came back for a request.
#[derive(Debug)]
pub struct Outcome {
    /// When the request really went out, after the connection stood.
    pub sent: Instant,
    pub result: Result<Answer, Failure>,
    /// How long connecting took, where a connection had to be made.
    pub connect: Option<Duration>,
}
