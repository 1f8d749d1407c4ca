//! A request as HTTP/1.1 puts it on the wire: built once, sent as it is.

use crate::swarm::error::{EngineError, Result};
use crate::swarm::request::Request;

/// The bytes that go over the wire to a host (`host:port`), below a path of its (`/prefix`, or nothing).
pub fn encode(request: &Request, host: &str, prefix: &str) -> Result<Vec<u8>> {
    check(request)?;
    check_path(prefix, true)?;
    let mut head = format!("{} {prefix}{} HTTP/1.1\r\n", request.method, request.path);
    let given = |wanted: &str| {
        request
            .headers
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
    for (name, value) in &request.headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    let has_body =
        !request.body.is_empty() || matches!(request.method.as_str(), "POST" | "PUT" | "PATCH");
    if has_body && !given("content-length") {
        head.push_str(&format!("Content-Length: {}\r\n", request.body.len()));
    }
    head.push_str("\r\n");
    let mut bytes = head.into_bytes();
    bytes.extend_from_slice(&request.body);
    Ok(bytes)
}

/// Refuse what would break the protocol.
fn check(request: &Request) -> Result<()> {
    let token = |text: &str| {
        !text.is_empty()
            && text
                .bytes()
                .all(|byte| byte.is_ascii_graphic() && byte != b':')
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

    #[test]
    fn a_get_has_no_body_and_a_post_says_its_length() {
        let text =
            |request: &Request| String::from_utf8(encode(request, "h:1", "").unwrap()).unwrap();
        let plain = text(&Request::get("/x?y=1"));
        assert!(
            plain.starts_with("GET /x?y=1 HTTP/1.1\r\nHost: h:1\r\n"),
            "{plain}"
        );
        assert!(!plain.contains("Content-Length"));
        let below = encode(&Request::get("/x"), "h:1", "/api").unwrap();
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
        for path in ["x", "/a b", "/ü", ""] {
            assert!(encode(&Request::get(path), "h", "").is_err(), "{path}");
        }
        let injected = Request {
            headers: vec![("a".into(), "b\r\nc: d".into())],
            ..Request::get("/")
        };
        assert!(encode(&injected, "h", "").is_err());
        let own = Request {
            headers: vec![("Connection".into(), "close".into())],
            ..Request::get("/")
        };
        assert!(
            encode(&own, "h", "")
                .unwrap_err()
                .to_string()
                .contains("leave it out")
        );
    }
}
