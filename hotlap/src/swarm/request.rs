//! A request as it is declared, whatever the protocol: its answer is held against what was expected.

use std::time::Duration;

use super::capture::Capture;
use super::expectation::{Expectation, Expected, Files};
use super::streamed::Streamed;

/// What is said of an answer whose body is not the expected one; where it differs follows.
pub const ANOTHER_BODY: &str = "another body than expected";

/// A request as the user declares it.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    pub method: String,
    pub path: String,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
    /// The name that its figures are kept under.
    pub name: String,
    /// How often it is chosen, relative to the others.
    pub weight: u32,
    /// The statuses that count as answered; none: any below 400.
    pub statuses: Vec<u16>,
    pub expected: Expected,
    /// What an answer must have beside.
    pub expectations: Vec<Expectation>,
    /// Where the values come from that placeholders in path, headers, body and expectations stand for; `None`:
    /// braces are braces.
    pub files: Files,
    /// What its answer gives to later steps of a flow.
    pub captures: Vec<Capture>,
    /// Whether, in a flow, a user sends it only when it begins.
    pub once: bool,
    /// After it, in a flow: (low, high).
    pub wait: (Duration, Duration),
    /// Whether, in a flow, it goes where its answer redirects to.
    pub follow: bool,
    /// Where its answer is a stream.
    pub stream: Option<Streamed>,
    /// What must not be shown where an answer is.
    pub hidden: Vec<Vec<u8>>,
}

impl Request {
    /// A `GET` that is counted under its path and must be answered with 200.
    pub fn get(path: &str) -> Self {
        Self {
            method: "GET".into(),
            path: path.into(),
            headers: Vec::new(),
            body: Vec::new(),
            name: path.into(),
            weight: 1,
            statuses: vec![200],
            expected: Expected::Any,
            expectations: Vec::new(),
            files: None,
            captures: Vec::new(),
            once: false,
            wait: (Duration::ZERO, Duration::ZERO),
            follow: false,
            stream: None,
            hidden: Vec::new(),
        }
    }
}
