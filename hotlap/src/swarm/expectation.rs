//! What an answer must be beside its status, as it is declared. Texts may have placeholders, which stand for what was sent.

use std::sync::Arc;

use regex::bytes::Regex;
use sha2::{Digest, Sha256};

use super::data::File;

/// What an answer's body must be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expected {
    Any,
    Exact(Vec<u8>),
    Sha256([u8; 32]),
}

impl Expected {
    /// Whether a digest is the expected one.
    pub fn digest_is(digest: &[u8; 32], body: &[u8]) -> bool {
        Sha256::digest(body)[..] == digest[..]
    }
}

/// One thing that an answer must have.
#[derive(Clone, Debug)]
pub enum Expectation {
    /// A header with this value.
    Header { name: String, value: String },
    /// A value at a place (RFC 6901) of a JSON body.
    Json { pointer: String, wanted: Wanted },
    /// A text somewhere in the body.
    Contains(String),
    /// A pattern that the body matches somewhere.
    Matches(Regex),
    /// So many bytes, bounds included.
    Size { low: usize, high: usize },
}

/// What a value of a JSON body must be.
#[derive(Clone, Debug, PartialEq)]
pub enum Wanted {
    /// A string; with a placeholder also the number or word of this text.
    Text(String),
    Value(serde_json::Value),
}

impl PartialEq for Expectation {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (
                Self::Header { name, value },
                Self::Header {
                    name: other,
                    value: wanted,
                },
            ) => (name, value) == (other, wanted),
            (
                Self::Json { pointer, wanted },
                Self::Json {
                    pointer: at,
                    wanted: other,
                },
            ) => (pointer, wanted) == (at, other),
            (Self::Contains(text), Self::Contains(other)) => text == other,
            (Self::Matches(pattern), Self::Matches(other)) => pattern.as_str() == other.as_str(),
            (
                Self::Size { low, high },
                Self::Size {
                    low: from,
                    high: to,
                },
            ) => (low, high) == (from, to),
            _ => false,
        }
    }
}

/// The files of a request that has placeholders.
pub type Files = Option<Vec<Arc<File>>>;
