//! What an answer gives to later steps of a flow.

use std::borrow::Cow;

use regex::bytes::Regex;
use serde_json::Value;

use super::error::{EngineError, Result};
use super::jar::Jar;
use super::protocol::{Received, header};

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

impl Capture {
    /// Take it from an answer, and from the cookies that the user has then.
    ///
    /// # Errors
    /// Why it cannot be had.
    pub fn take(&self, answer: Received<'_>, jar: &Jar) -> std::result::Result<Vec<u8>, String> {
        let missing = || format!("its answer has no {} ({})", self.name, self.origin);
        let found: Cow<'_, [u8]> = match &self.origin {
            Origin::Header(name) => header(answer.head, name).ok_or_else(missing)?.into(),
            Origin::Cookie(name) => jar.value(name).ok_or_else(missing)?.as_bytes().into(),
            Origin::Pattern(pattern) => {
                let found = pattern.captures(answer.body).ok_or_else(missing)?;
                let part = found.get(1).or_else(|| found.get(0)).ok_or_else(missing)?;
                part.as_bytes().into()
            }
            Origin::Json(pointer) => {
                let whole: Value = serde_json::from_slice(answer.body).map_err(|_| missing())?;
                match whole.pointer(pointer).ok_or_else(missing)? {
                    Value::Null => return Err(missing()),
                    Value::String(text) => text.clone().into_bytes().into(),
                    value => value.to_string().into_bytes().into(),
                }
            }
        };
        if found.iter().any(|byte| matches!(byte, b'\r' | b'\n' | 0)) {
            let (name, origin) = (&self.name, &self.origin);
            return Err(format!("its answer has a line break in {name} ({origin})"));
        }
        Ok(found.into_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(origin: &str, body: &str) -> std::result::Result<String, String> {
        let capture = Capture {
            name: "it".into(),
            origin: Origin::parse(origin).unwrap(),
        };
        let answer = Received {
            status: 200,
            head: b"HTTP/1.1 200 OK\r\nLocation: /a\r\n\r\n",
            body: body.as_bytes(),
        };
        let mut jar = Jar::default();
        jar.take("sid=1", "h", "/", false);
        let found = capture.take(answer, &jar)?;
        Ok(String::from_utf8(found).unwrap())
    }

    #[test]
    fn values_are_taken_from_where_they_are() {
        for (origin, wanted) in [
            ("json:/a/0/b", "7"),
            ("json:/text", "x y"),
            ("header:location", "/a"),
            ("cookie:sid", "1"),
            ("regex:\"text\": *\"(\\w)", "x"),
            ("regex:x y", "x y"),
        ] {
            let body = "{\"a\": [{\"b\": 7}], \"text\": \"x y\"}";
            assert_eq!(taken(origin, body), Ok(wanted.into()), "{origin}");
        }
    }

    #[test]
    fn what_is_missing_or_cannot_be_sent_on_is_told() {
        for (origin, body) in [
            ("json:/a", "{}"),
            ("json:/a", "no JSON"),
            ("json:/a", "{\"a\": null}"),
            ("header:x", ""),
            ("cookie:x", ""),
            ("regex:x", ""),
        ] {
            let said = taken(origin, body).unwrap_err();
            assert_eq!(said, format!("its answer has no it ({origin})"));
        }
        let said = taken("json:/a", "{\"a\": \"x\\ny\"}").unwrap_err();
        assert!(said.contains("a line break"), "{said}");
        for wrong in ["json:a", "header:", "regex:(", "token", "xpath:/a"] {
            assert!(Origin::parse(wrong).is_err(), "{wrong}");
        }
    }
}
