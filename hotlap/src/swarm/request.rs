//! A request as it is declared, whatever the protocol: its answer is held against what was expected.

use sha2::{Digest, Sha256};

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
        }
    }

    /// Whether a status counts as answered.
    pub fn accepts_status(&self, status: u16) -> bool {
        self.status.map_or(status < 400, |wanted| wanted == status)
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
