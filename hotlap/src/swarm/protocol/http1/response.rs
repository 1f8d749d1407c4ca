//! Reads an HTTP/1.1 answer out of a growing buffer: a pure state machine, fed by a connection.

use super::body::{Body, Ends};
use super::malformed::{MAX_HEAD_BYTES, Malformed};

const MAX_HEADERS: usize = 256;

/// An answer's head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    pub status: u16,
    pub keep_alive: bool,
    ends: Ends,
    length: usize,
}

/// Parse a head from the start of the buffer; `None` while it is not whole. Interim (1xx) answers are
/// passed over by the caller, who takes `length` bytes away.
pub fn head(buffer: &[u8], to_head_request: bool) -> Result<Option<Head>, Malformed> {
    let mut headers = [const { std::mem::MaybeUninit::uninit() }; MAX_HEADERS];
    let mut parsed = httparse::Response::new(&mut []);
    let config = httparse::ParserConfig::default();
    let status = config.parse_response_with_uninit_headers(&mut parsed, buffer, &mut headers);
    let length = match status {
        Ok(httparse::Status::Complete(length)) => length,
        Ok(httparse::Status::Partial) if buffer.len() > MAX_HEAD_BYTES => {
            return Err(Malformed::HeadTooLarge);
        }
        Ok(httparse::Status::Partial) => return Ok(None),
        Err(httparse::Error::TooManyHeaders) => return Err(Malformed::HeadTooLarge),
        Err(_) => return Err(Malformed::Head),
    };
    let status = parsed.code.ok_or(Malformed::Head)?;
    let mut keep_alive = parsed.version == Some(1);
    let mut ends = Ends::WithConnection;
    for header in parsed.headers.iter() {
        if header.name.eq_ignore_ascii_case("content-length") {
            if ends != Ends::Chunked {
                ends = Ends::After(number(header.value)?);
            }
        } else if header.name.eq_ignore_ascii_case("transfer-encoding") {
            if last_token_is(header.value, b"chunked") {
                ends = Ends::Chunked;
            }
        } else if header.name.eq_ignore_ascii_case("connection") {
            keep_alive = if last_token_is(header.value, b"close") {
                false
            } else {
                keep_alive || last_token_is(header.value, b"keep-alive")
            };
        }
    }
    if to_head_request || status < 200 || status == 204 || status == 304 {
        ends = Ends::After(0);
    }
    keep_alive &= ends != Ends::WithConnection;
    Ok(Some(Head {
        status,
        keep_alive,
        ends,
        length,
    }))
}

/// The first header of that name in a whole head.
pub fn header<'a>(head: &'a [u8], name: &str) -> Option<&'a [u8]> {
    headers(head, name).into_iter().next()
}

/// All headers of that name in a whole head.
pub fn headers<'a>(head: &'a [u8], name: &str) -> Vec<&'a [u8]> {
    let mut found = Vec::new();
    each_header(head, |known, value| {
        if known.eq_ignore_ascii_case(name) {
            found.push(value);
        }
    });
    found
}

/// All headers of a whole head, with their names; what is not UTF-8 is replaced.
pub fn headers_of(head: &[u8]) -> Vec<(String, String)> {
    let mut found = Vec::new();
    each_header(head, |name, value| {
        found.push((name.to_owned(), String::from_utf8_lossy(value).into_owned()));
    });
    found
}

/// Look at each header of a whole head. Name and value borrow from the head.
fn each_header<'a>(head: &'a [u8], mut see: impl FnMut(&'a str, &'a [u8])) {
    let mut headers = [const { std::mem::MaybeUninit::uninit() }; MAX_HEADERS];
    let mut parsed = httparse::Response::new(&mut []);
    let config = httparse::ParserConfig::default();
    let status = config.parse_response_with_uninit_headers(&mut parsed, head, &mut headers);
    if status.is_ok() {
        for header in parsed.headers.iter() {
            see(header.name, header.value.trim_ascii());
        }
    }
}

impl Head {
    /// How many bytes of the buffer the head itself takes.
    pub fn length(&self) -> usize {
        self.length
    }

    /// Where the reading of its body begins.
    pub fn body(&self) -> Body {
        Body::new(self.ends)
    }
}

fn number(value: &[u8]) -> Result<usize, Malformed> {
    let text = std::str::from_utf8(value)
        .map_err(|_| Malformed::ContentLength)?
        .trim();
    if text.bytes().all(|byte| byte.is_ascii_digit()) {
        text.parse().ok()
    } else {
        None
    }
    .ok_or(Malformed::ContentLength)
}

fn last_token_is(value: &[u8], wanted: &[u8]) -> bool {
    value
        .rsplit(|byte| *byte == b',')
        .next()
        .is_some_and(|token| token.trim_ascii().eq_ignore_ascii_case(wanted))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The body, status and bytes used of a whole answer, fed one byte more at a time.
    fn read(
        answer: &[u8],
        to_head: bool,
        ended: bool,
    ) -> Result<(u16, Vec<u8>, usize, bool), Malformed> {
        let mut unpacked = Vec::new();
        for length in 0..answer.len() {
            if let Some(found) = head(&answer[..length], to_head)? {
                let rest = &answer[found.length()..length];
                let read = found.body().read(rest, &mut unpacked, false)?;
                assert!(read.is_none(), "done too early at {length}");
            }
        }
        let found = head(answer, to_head)?.ok_or(Malformed::EndedEarly)?;
        let rest = &answer[found.length()..];
        let read = found.body().read(rest, &mut unpacked, ended)?;
        let (used, body) = read.ok_or(Malformed::EndedEarly)?;
        let used = found.length() + used;
        Ok((found.status, body.to_vec(), used, found.keep_alive))
    }

    #[test]
    fn each_way_in_which_a_body_ends() {
        let counted = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
        assert_eq!(
            read(counted, false, false),
            Ok((200, b"hello".to_vec(), counted.len(), true))
        );
        let chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2;x=y\r\nlo\r\n0\r\nT: x\r\n\r\n";
        assert_eq!(
            read(chunked, false, false),
            Ok((200, b"hello".to_vec(), chunked.len(), true))
        );
        let closing = b"HTTP/1.1 200 OK\r\n\r\nhello";
        assert_eq!(
            read(closing, false, true),
            Ok((200, b"hello".to_vec(), closing.len(), false))
        );
    }

    #[test]
    fn answers_without_a_body() {
        let none = b"HTTP/1.1 204 No Content\r\n\r\n";
        assert_eq!(
            read(none, false, false),
            Ok((204, vec![], none.len(), true))
        );
        let to_head = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n";
        assert_eq!(
            read(to_head, true, false),
            Ok((200, vec![], to_head.len(), true))
        );
    }

    #[test]
    fn a_connection_is_kept_or_not() {
        let keeps = |text: &str| read(text.as_bytes(), false, false).unwrap().3;
        assert!(!keeps(
            "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
        ));
        assert!(!keeps("HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n"));
        assert!(keeps(
            "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 0\r\n\r\n"
        ));
    }

    #[test]
    fn what_is_malformed_is_named() {
        assert_eq!(
            read(b"nonsense\r\n\r\n", false, false),
            Err(Malformed::Head)
        );
        assert_eq!(
            read(
                b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
                false,
                false
            ),
            Err(Malformed::ContentLength)
        );
        assert_eq!(
            read(
                b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nshort",
                false,
                true
            ),
            Err(Malformed::EndedEarly)
        );
        let chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhelXX";
        assert_eq!(read(chunked, false, false), Err(Malformed::Chunk));
        assert_eq!(
            head(&vec![b'a'; MAX_HEAD_BYTES + 1], false),
            Err(Malformed::Head)
        );
        let endless = [
            b"HTTP/1.1 200 OK\r\nA: ".to_vec(),
            vec![b'a'; MAX_HEAD_BYTES],
        ]
        .concat();
        assert_eq!(head(&endless, false), Err(Malformed::HeadTooLarge));
    }
}
