//! What an answer gives to later steps of a flow.

use regex::bytes::Regex;

use super::error::{EngineError, Result};

/// A value that is taken from an answer, under a name.
#[derive(Clone, Debug, PartialEq)]
pub struct Capture {
    pub name: String,
    pub origin: Origin,
}

/// Where in an answer it is.
#[derive(Clone, Debug)]
pub enum Origin {
    /// A JSON pointer into the body.
    Json(String),
    Header(String),
    /// A cookie that the user has when the answer has come.
    Cookie(String),
    /// What the first group of a pattern matches in the body, or all that it matches.
    Pattern(Regex),
}

impl PartialEq for Origin {
    fn eq(&self, other: &Self) -> bool {
        self.to_string() == other.to_string()
    }
}

impl std::fmt::Display for Origin {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Json(pointer) => write!(formatter, "json:{pointer}"),
            Self::Header(name) => write!(formatter, "header:{name}"),
            Self::Cookie(name) => write!(formatter, "cookie:{name}"),
            Self::Pattern(pattern) => write!(formatter, "regex:{pattern}"),
        }
    }
}

impl Origin {
    /// Read it as it is written, such as `json:/access_token`.
    pub fn parse(text: &str) -> Result<Self> {
        let refuse = |why: &str| Err(EngineError::Request(format!("{text:?} {why}")));
        match text.split_once(':') {
            Some(("json", pointer)) if pointer.is_empty() || pointer.starts_with('/') => {
                Ok(Self::Json(pointer.to_owned()))
            }
            Some(("json", _)) => refuse("is not a JSON pointer: write json:/access_token"),
            Some(("header", name)) if !name.is_empty() => Ok(Self::Header(name.to_owned())),
            Some(("cookie", name)) if !name.is_empty() => Ok(Self::Cookie(name.to_owned())),
            Some(("regex", pattern)) => match Regex::new(pattern) {
                Ok(pattern) => Ok(Self::Pattern(pattern)),
                Err(error) => refuse(&format!("is not a pattern: {error}")),
            },
            _ => refuse(
                "cannot be captured: write json:/POINTER, header:NAME, cookie:NAME or regex:PATTERN",
            ),
        }
    }
}
