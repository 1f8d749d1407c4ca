//! A request as it is declared, whatever the protocol: its answer is held against what was expected.

use sha2::{Digest, Sha256};

use super::difference::Difference;

/// What is said of an answer whose body is not the expected one; where it differs follows.
pub const ANOTHER_BODY: &str = "another body than expected";

/// What an answer's body must be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expected {
    Any,
    Exact(Vec<u8>),
    Sha256([u8; 32]),
}

impl Expected {
    /// Whether a body is the expected one.
    pub fn accepts(&self, body: &[u8]) -> bool {
        match self {
            Self::Any => true,
            Self::Exact(expected) => expected == body,
            Self::Sha256(digest) => Sha256::digest(body)[..] == digest[..],
        }
    }
}

/// A request as the user declares it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    pub method: String,
    pub path: String,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
    /// The name that its figures are kept under.
    pub name: String,
    /// How often it is chosen, relative to the others.
    pub weight: u32,
    /// The status that counts as answered; `None`: any below 400.
    pub status: Option<u16>,
    pub expected: Expected,
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
            status: Some(200),
            expected: Expected::Any,
            hidden: Vec::new(),
        }
    }

    /// Whether a status counts as answered.
    pub fn accepts_status(&self, status: u16) -> bool {
        self.status.map_or(status < 400, |wanted| wanted == status)
    }

    /// What is wrong with a status.
    pub fn status_objection(&self, status: u16) -> String {
        match self.status {
            Some(wanted) => format!("status {status}, not {wanted}"),
            None => format!("status {status}"),
        }
    }

    /// What is wrong with a body that is not accepted.
    pub fn body_objection(&self, body: &[u8]) -> String {
        let found = match &self.expected {
            Expected::Exact(expected) => Difference::between(expected, body, &self.hidden),
            Expected::Any | Expected::Sha256(_) => None,
        };
        found.map_or_else(
            || ANOTHER_BODY.to_owned(),
            |found| format!("{ANOTHER_BODY}: the first time, {found}"),
        )
    }

    /// What is wrong with an answer, if anything is.
    pub fn objection(&self, status: u16, body: &[u8]) -> Option<String> {
        if !self.accepts_status(status) {
            return Some(self.status_objection(status));
        }
        (!self.expected.accepts(body)).then(|| self.body_objection(body))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies_are_held_against_what_was_expected() {
        let digest = Sha256::digest(b"right").into();
        for expected in [Expected::Exact(b"right".to_vec()), Expected::Sha256(digest)] {
            assert!(expected.accepts(b"right"));
            assert!(!expected.accepts(b"wrong"));
        }
        assert!(Expected::Any.accepts(b""));
    }
}
