//! Reads an HTTP/1.1 answer out of a growing buffer: a pure state machine, fed by a connection.

/// The most that a head may take, in bytes.
pub const MAX_HEAD_BYTES: usize = 64 * 1024;
const MAX_HEADERS: usize = 96;

/// Why bytes are not an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    #[error("the answer is not HTTP")]
    Head,
    #[error("the answer's head is over 64 KiB or has too many headers")]
    HeadTooLarge,
    #[error("the answer's content length is not a number")]
    ContentLength,
    #[error("the answer's chunks are malformed")]
    Chunk,
    #[error("the connection ended within the answer")]
    EndedEarly,
}

/// How a body ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ends {
    After(usize),
    Chunked,
    WithConnection,
}

/// An answer's head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    pub status: u16,
    pub keep_alive: bool,
    ends: Ends,
    length: usize,
}

/// What the buffer holds so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// More has to be read.
    More,
    /// The answer is whole: it takes `used` bytes of the buffer.
    Done { used: usize },
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
    let mut headers = [const { std::mem::MaybeUninit::uninit() }; MAX_HEADERS];
    let mut parsed = httparse::Response::new(&mut []);
    let config = httparse::ParserConfig::default();
    let status = config.parse_response_with_uninit_headers(&mut parsed, head, &mut headers);
    if status.is_err() {
        return Vec::new();
    }
    let named = |header: &&httparse::Header<'_>| header.name.eq_ignore_ascii_case(name);
    let found = parsed.headers.iter().filter(named);
    // The name and the value borrow from the head, not from the list of headers.
    found.map(|header| header.value.trim_ascii()).collect()
}

impl Head {
    /// How many bytes of the buffer the head itself takes.
    pub fn length(&self) -> usize {
        self.length
    }

    /// How far the body got; a chunked one is unpacked into `body`, which is cleared first.
    pub fn body<'a>(
        &self,
        buffer: &'a [u8],
        unpacked: &'a mut Vec<u8>,
        ended: bool,
    ) -> Result<(Progress, &'a [u8]), Malformed> {
        let rest = &buffer[self.length..];
        match self.ends {
            Ends::After(length) if rest.len() >= length => Ok((
                Progress::Done {
                    used: self.length + length,
                },
                &rest[..length],
            )),
            Ends::WithConnection if ended => Ok((Progress::Done { used: buffer.len() }, rest)),
            Ends::Chunked => match unchunk(rest, unpacked)? {
                Some(used) => Ok((
                    Progress::Done {
                        used: self.length + used,
                    },
                    unpacked,
                )),
                None if ended => Err(Malformed::EndedEarly),
                None => Ok((Progress::More, &[])),
            },
            _ if ended => Err(Malformed::EndedEarly),
            _ => Ok((Progress::More, &[])),
        }
    }
}

/// Unpack chunks; `None` while the last one has not come.
fn unchunk(mut rest: &[u8], unpacked: &mut Vec<u8>) -> Result<Option<usize>, Malformed> {
    unpacked.clear();
    let whole = rest.len();
    loop {
        let (at, size) = match httparse::parse_chunk_size(rest) {
            Ok(httparse::Status::Complete((at, size))) => {
                (at, usize::try_from(size).map_err(|_| Malformed::Chunk)?)
            }
            Ok(httparse::Status::Partial) => return Ok(None),
            Err(_) => return Err(Malformed::Chunk),
        };
        rest = &rest[at..];
        if size == 0 {
            return trailers(rest).map(|end| end.map(|end| whole - rest.len() + end));
        }
        let Some(end) = size.checked_add(2) else {
            return Err(Malformed::Chunk);
        };
        if rest.len() < end {
            return Ok(None);
        }
        if &rest[size..end] != b"\r\n" {
            return Err(Malformed::Chunk);
        }
        unpacked.extend_from_slice(&rest[..size]);
        rest = &rest[end..];
    }
}

/// Pass over what comes after the last chunk: lines up to an empty one.
fn trailers(rest: &[u8]) -> Result<Option<usize>, Malformed> {
    let mut at = 0;
    loop {
        let Some(line) = rest[at..].windows(2).position(|pair| pair == b"\r\n") else {
            return if rest.len() > MAX_HEAD_BYTES {
                Err(Malformed::Chunk)
            } else {
                Ok(None)
            };
        };
        at += line + 2;
        if line == 0 {
            return Ok(Some(at));
        }
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
                let (progress, _) = found.body(&answer[..length], &mut unpacked, false)?;
                assert!(
                    progress == Progress::More || length == answer.len(),
                    "done too early at {length}"
                );
            }
        }
        let found = head(answer, to_head)?.ok_or(Malformed::EndedEarly)?;
        let (progress, body) = found.body(answer, &mut unpacked, ended)?;
        match progress {
            Progress::Done { used } => Ok((found.status, body.to_vec(), used, found.keep_alive)),
            Progress::More => Err(Malformed::EndedEarly),
        }
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
