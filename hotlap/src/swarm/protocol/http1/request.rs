//! A request as HTTP/1.1 puts it on the wire: built once, sent as it is.

use std::io::Write;

use crate::swarm::data::{Compiler, Piece, Place, Values, body_form, fill, joined};
use crate::swarm::error::{EngineError, Result};
use crate::swarm::protocol::outgoing::Outgoing;
use crate::swarm::request::Request;

/// A request as it goes over the wire.
pub enum Encoded {
    /// The same each time.
    Constant(Vec<u8>),
    /// With values in it. `says_length`: a length is to be put between head and body.
    Filled {
        head: Vec<Piece>,
        says_length: bool,
        body: Vec<Piece>,
    },
}

impl Encoded {
    /// Put the values that were drawn into the bytes, and cookies where there are some.
    pub fn fill(&self, outgoing: &mut Outgoing, values: &Values, cookies: &[u8]) {
        let Self::Filled {
            head,
            says_length,
            body,
        } = self
        else {
            return;
        };
        let Outgoing {
            drawn,
            body: content,
            bytes,
        } = outgoing;
        bytes.clear();
        fill(head, drawn, values, bytes);
        if !cookies.is_empty() {
            bytes.extend_from_slice(b"Cookie: ");
            bytes.extend_from_slice(cookies);
            bytes.extend_from_slice(b"\r\n");
        }
        content.clear();
        fill(body, drawn, values, content);
        if *says_length {
            // Writing to memory cannot fail.
            let _ = write!(bytes, "Content-Length: {}\r\n", content.len());
        }
        bytes.extend_from_slice(b"\r\n");
        bytes.extend_from_slice(content);
    }

    /// The same, once and for all, where it has no values.
    pub fn constant(self, values: &Values) -> Self {
        if values.differ() {
            return self;
        }
        let mut outgoing = Outgoing::default();
        self.fill(&mut outgoing, values, &[]);
        Self::Constant(outgoing.bytes)
    }
}

/// What goes over the wire to a host (`host:port`), below a path of its (`/prefix`, or nothing).
pub fn encode(
    request: &Request,
    host: &str,
    prefix: &str,
    compiler: &mut Compiler<'_>,
) -> Result<Encoded> {
    check(request)?;
    check_path(prefix, true)?;
    let given = |wanted: &str| {
        request
            .headers
            .iter()
            .any(|(name, _)| name.eq_ignore_ascii_case(wanted))
    };
    let mut head = vec![Piece::Literal(
        format!("{} {prefix}", request.method).into_bytes(),
    )];
    head.extend(compiler.compile(request.path.as_bytes(), Place::Url)?);
    let mut own = String::from(" HTTP/1.1\r\n");
    if !given("host") {
        own.push_str(&format!("Host: {host}\r\n"));
    }
    if !given("user-agent") {
        own.push_str(concat!(
            "User-Agent: hotlap/",
            env!("CARGO_PKG_VERSION"),
            "\r\n"
        ));
    }
    if !given("accept") {
        own.push_str("Accept: */*\r\n");
    }
    head.push(Piece::Literal(own.into_bytes()));
    for (name, value) in &request.headers {
        head.push(Piece::Literal(format!("{name}: ").into_bytes()));
        head.extend(compiler.compile(value.as_bytes(), Place::Header)?);
        head.push(Piece::Literal(b"\r\n".to_vec()));
    }
    let form = body_form(&request.headers, &request.body);
    let body = compiler.compile(&request.body, Place::Body(form))?;
    let has_body =
        !request.body.is_empty() || matches!(request.method.as_str(), "POST" | "PUT" | "PATCH");
    Ok(Encoded::Filled {
        head: joined(head),
        says_length: has_body && !given("content-length"),
        body,
    })
}

/// Refuse what would break the protocol.
fn check(request: &Request) -> Result<()> {
    let token = |text: &str| {
        !text.is_empty()
            && text
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte))
    };
    if !token(&request.method) {
        return Err(EngineError::Request(format!(
            "{:?} is not a method",
            request.method
        )));
    }
    check_path(&request.path, false)?;
    for (name, value) in &request.headers {
        if !token(name) || value.bytes().any(|byte| matches!(byte, b'\r' | b'\n' | 0)) {
            return Err(EngineError::Request(format!(
                "the header {name:?} cannot be sent"
            )));
        }
        if name.eq_ignore_ascii_case("transfer-encoding") || name.eq_ignore_ascii_case("connection")
        {
            return Err(EngineError::Request(format!(
                "the header {name:?} is the engine's own: leave it out"
            )));
        }
    }
    Ok(())
}

fn check_path(path: &str, may_be_empty: bool) -> Result<()> {
    let starts = path.starts_with('/') || may_be_empty && path.is_empty();
    if !starts || path.bytes().any(|byte| byte <= b' ' || byte >= 0x7f) {
        return Err(EngineError::Request(format!(
            "{path:?} is not a path: it starts with / and is percent-encoded"
        )));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(request: &Request, prefix: &str) -> Result<Vec<u8>> {
        let encoded = encode(request, "h:1", prefix, &mut Compiler::new(None))?;
        match encoded.constant(&Values::default()) {
            Encoded::Constant(bytes) => Ok(bytes),
            Encoded::Filled { .. } => panic!("there is no value in it"),
        }
    }

    #[test]
    fn a_get_has_no_body_and_a_post_says_its_length() {
        let text = |request: &Request| String::from_utf8(bytes(request, "").unwrap()).unwrap();
        let plain = text(&Request::get("/x?y=1"));
        assert!(
            plain.starts_with("GET /x?y=1 HTTP/1.1\r\nHost: h:1\r\n"),
            "{plain}"
        );
        assert!(!plain.contains("Content-Length"));
        let below = bytes(&Request::get("/x"), "/api").unwrap();
        assert!(below.starts_with(b"GET /api/x HTTP/1.1\r\n"));
        let post = Request {
            method: "POST".into(),
            body: b"abc".to_vec(),
            ..Request::get("/")
        };
        assert!(text(&post).ends_with("Content-Length: 3\r\n\r\nabc"));
        let own = Request {
            headers: vec![("host".into(), "other".into())],
            ..Request::get("/")
        };
        assert_eq!(text(&own).to_lowercase().matches("host:").count(), 1);
    }

    #[test]
    fn what_would_break_the_protocol_is_refused() {
        let name = |name: &str| Request {
            headers: vec![(name.into(), "x".into())],
            ..Request::get("/")
        };
        assert!(bytes(&name("X-Fine_1"), "").is_ok());
        for wrong in ["", "a b", "X:Y", "X-{uuid}", "ü"] {
            assert!(bytes(&name(wrong), "").is_err(), "{wrong}");
        }
        for path in ["x", "/a b", "/ü", ""] {
            assert!(bytes(&Request::get(path), "").is_err(), "{path}");
        }
        let injected = Request {
            headers: vec![("a".into(), "b\r\nc: d".into())],
            ..Request::get("/")
        };
        assert!(bytes(&injected, "").is_err());
        let own = Request {
            headers: vec![("Connection".into(), "close".into())],
            ..Request::get("/")
        };
        assert!(
            bytes(&own, "")
                .unwrap_err()
                .to_string()
                .contains("leave it out")
        );
    }
}
