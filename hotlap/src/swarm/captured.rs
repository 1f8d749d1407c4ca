//! Takes from an answer what later steps of a flow are to have.

use std::borrow::Cow;

use serde_json::Value;

use super::capture::{Capture, Origin};
use super::jar::Jar;
use super::protocol::{Received, header};

/// Take a value from an answer, and from the cookies that the user has then.
///
/// # Errors
/// Why it cannot be had.
pub fn taken(capture: &Capture, answer: Received<'_>, jar: &Jar) -> Result<Vec<u8>, String> {
    let missing = || format!("its answer has no {} ({})", capture.name, capture.origin);
    let found: Cow<'_, [u8]> = match &capture.origin {
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
        let (name, origin) = (&capture.name, &capture.origin);
        return Err(format!("its answer has a line break in {name} ({origin})"));
    }
    Ok(found.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(origin: &str, body: &str) -> Result<String, String> {
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
        let found = taken(&capture, answer, &jar)?;
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
            assert_eq!(found(origin, body), Ok(wanted.into()), "{origin}");
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
            let said = found(origin, body).unwrap_err();
            assert_eq!(said, format!("its answer has no it ({origin})"));
        }
        let said = found("json:/a", "{\"a\": \"x\\ny\"}").unwrap_err();
        assert!(said.contains("a line break"), "{said}");
        for wrong in ["json:a", "header:", "regex:(", "token", "xpath:/a"] {
            assert!(Origin::parse(wrong).is_err(), "{wrong}");
        }
    }
}
