//! A declared request: built once, sent as it is, its answer held against what was expected.

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
#[derive(Clone, Debug)]
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

/// A request that cannot be sent.
#[derive(Debug, PartialEq, Eq)]
pub struct InvalidRequest(pub String);

impl std::fmt::Display for InvalidRequest {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(&self.0)
    }
}

impl std::error::Error for InvalidRequest {}

impl Request {
    /// The bytes that go over the wire to a host (`host:port`).
    pub fn to_bytes(&self, host: &str) -> Result<Vec<u8>, InvalidRequest> {
        self.check()?;
        let mut head = format!("{} {} HTTP/1.1\r\n", self.method, self.path);
        let given = |wanted: &str| {
            self.headers
                .iter()
                .any(|(name, _)| name.eq_ignore_ascii_case(wanted))
        };
        if !given("host") {
            head.push_str(&format!("Host: {host}\r\n"));
        }
        if !given("user-agent") {
            head.push_str(concat!(
                "User-Agent: hotlap/",
                env!("CARGO_PKG_VERSION"),
                "\r\n"
            ));
        }
        if !given("accept") {
            head.push_str("Accept: */*\r\n");
        }
        for (name, value) in &self.headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        let has_body =
            !self.body.is_empty() || matches!(self.method.as_str(), "POST" | "PUT" | "PATCH");
        if has_body && !given("content-length") {
            head.push_str(&format!("Content-Length: {}\r\n", self.body.len()));
        }
        head.push_str("\r\n");
        let mut bytes = head.into_bytes();
        bytes.extend_from_slice(&self.body);
        Ok(bytes)
    }

    fn check(&self) -> Result<(), InvalidRequest> {
        let token = |text: &str| {
            !text.is_empty()
                && text
                    .bytes()
                    .all(|byte| byte.is_ascii_graphic() && byte != b':')
        };
        if !token(&self.method) {
            return Err(InvalidRequest(format!("{:?} is not a method", self.method)));
        }
        if !self.path.starts_with('/') || self.path.bytes().any(|byte| byte <= b' ' || byte >= 0x7f)
        {
            let path = &self.path;
            return Err(InvalidRequest(format!(
                "{path:?} is not a path: it starts with / and is percent-encoded"
            )));
        }
        for (name, value) in &self.headers {
            if !token(name) || value.bytes().any(|byte| matches!(byte, b'\r' | b'\n' | 0)) {
                return Err(InvalidRequest(format!(
                    "the header {name:?} cannot be sent"
                )));
            }
            if name.eq_ignore_ascii_case("transfer-encoding")
                || name.eq_ignore_ascii_case("connection")
            {
                return Err(InvalidRequest(format!(
                    "the header {name:?} is the engine's own: leave it out"
                )));
            }
        }
        if self.weight == 0 {
            return Err(InvalidRequest(format!(
                "{}: a weight is at least 1",
                self.name
            )));
        }
        Ok(())
    }

    /// Whether a status counts as answered.
    pub fn accepts_status(&self, status: u16) -> bool {
        self.status.map_or(status < 400, |wanted| wanted == status)
    }
}

#[cfg(test)]
pub(crate) fn get(path: &str) -> Request {
    Request {
        method: "GET".into(),
        path: path.into(),
        headers: vec![],
        body: vec![],
        name: path.into(),
        weight: 1,
        status: Some(200),
        expected: Expected::Any,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_get_has_no_body_and_a_post_says_its_length() {
        let text = |request: &Request| String::from_utf8(request.to_bytes("h:1").unwrap()).unwrap();
        let plain = text(&get("/x?y=1"));
        assert!(
            plain.starts_with("GET /x?y=1 HTTP/1.1\r\nHost: h:1\r\n"),
            "{plain}"
        );
        assert!(!plain.contains("Content-Length"));
        let post = Request {
            method: "POST".into(),
            body: b"abc".to_vec(),
            ..get("/")
        };
        assert!(text(&post).ends_with("Content-Length: 3\r\n\r\nabc"));
        let own = Request {
            headers: vec![("host".into(), "other".into())],
            ..get("/")
        };
        assert_eq!(text(&own).to_lowercase().matches("host:").count(), 1);
    }

    #[test]
    fn what_would_break_the_protocol_is_refused() {
        for path in ["x", "/a b", "/ü", ""] {
            assert!(get(path).to_bytes("h").is_err(), "{path}");
        }
        let injected = Request {
            headers: vec![("a".into(), "b\r\nc: d".into())],
            ..get("/")
        };
        assert!(injected.to_bytes("h").is_err());
        let own = Request {
            headers: vec![("Connection".into(), "close".into())],
            ..get("/")
        };
        assert!(own.to_bytes("h").unwrap_err().0.contains("leave it out"));
    }

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
