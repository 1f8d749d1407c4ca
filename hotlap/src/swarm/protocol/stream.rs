//! Answers that come bit by bit: the events in them.

use std::time::Instant;

use crate::swarm::streamed::Framing;

/// What is told of a stream while it comes.
pub trait Tap: Send {
    /// Its first byte came.
    fn begin(&mut self, now: Instant);
    /// So many events ended in what came, which has so many bytes of the body.
    fn came(&mut self, now: Instant, events: u64, bytes: usize);
}

/// Counts the events in what comes, however it is cut.
#[derive(Clone, Debug)]
pub struct Events {
    framing: Framing,
    /// Bytes of the present line so far: of server-sent events, the first five.
    line: Vec<u8>,
    /// Whether the present event has data.
    has_data: bool,
    /// Whether the last byte was a carriage return, whose line feed ends nothing.
    after_return: bool,
}

const DATA: &[u8] = b"data";

impl Events {
    pub fn new(framing: Framing) -> Self {
        Self {
            framing,
            line: Vec::new(),
            has_data: false,
            after_return: false,
        }
    }

    /// How many events end in the next bytes, which came in so many chunks.
    pub fn feed(&mut self, next: &[u8], chunks: u64) -> u64 {
        match self.framing {
            Framing::Chunks => chunks,
            Framing::Lines => self.lines(next, |line| !line.is_empty()),
            Framing::Events => self.server_sent(next),
        }
    }

    /// What is left when the stream ends: a line without its end counts, an event without its blank line does not.
    pub fn end(&mut self) -> u64 {
        let left = self.framing == Framing::Lines && !self.line.is_empty();
        self.line.clear();
        u64::from(left)
    }

    /// How many of the lines that end here are of a kind. Of each the first few bytes are known, white space left out.
    fn lines(&mut self, next: &[u8], mut is: impl FnMut(&[u8]) -> bool) -> u64 {
        let mut found = 0;
        for part in next.split_inclusive(|byte| *byte == b'\n') {
            let (text, ends) = match part.strip_suffix(b"\n") {
                Some(text) => (text, true),
                None => (part, false),
            };
            let room = (DATA.len() + 1).saturating_sub(self.line.len());
            let text = text.iter().filter(|byte| !byte.is_ascii_whitespace());
            self.line.extend(text.take(room));
            if ends {
                found += u64::from(is(&self.line));
                self.line.clear();
            }
        }
        found
    }

    fn server_sent(&mut self, next: &[u8]) -> u64 {
        let mut found = 0;
        let mut rest = next;
        if self.after_return && rest.first() == Some(&b'\n') {
            rest = &rest[1..];
        }
        self.after_return = self.after_return && next.is_empty();
        while !rest.is_empty() {
            let end = memchr::memchr2(b'\r', b'\n', rest);
            let text = &rest[..end.unwrap_or(rest.len())];
            let room = (DATA.len() + 1).saturating_sub(self.line.len());
            self.line.extend_from_slice(&text[..text.len().min(room)]);
            let Some(end) = end else {
                break;
            };
            if self.line.is_empty() {
                found += u64::from(std::mem::take(&mut self.has_data));
            } else if self.line == DATA || self.line.starts_with(b"data:") {
                self.has_data = true;
            }
            self.line.clear();
            let returned = rest[end] == b'\r';
            rest = &rest[end + 1..];
            if returned {
                match rest.first() {
                    Some(b'\n') => rest = &rest[1..],
                    None => self.after_return = true,
                    Some(_) => {}
                }
            }
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counted(framing: Framing, bytes: &[u8], size: usize) -> u64 {
        let mut events = Events::new(framing);
        let fed: u64 = bytes.chunks(size).map(|part| events.feed(part, 1)).sum();
        fed + events.end()
    }

    #[test]
    fn events_are_as_many_however_they_are_cut() {
        for (framing, bytes, wanted) in [
            (Framing::Events, &b"data: a\n\ndata: b\ndata: c\n\n"[..], 2),
            (
                Framing::Events,
                b"data: a\r\n\r\nevent: x\r\ndata: b\r\n\r\n",
                2,
            ),
            (Framing::Events, b"data: a\r\rdata\r\r", 2),
            (Framing::Events, b": ping\n\nid: 1\n\ndata:\n\n", 1),
            (
                Framing::Events,
                b"\xef\xbb\xbfretry: 3\n\n\n\ndatabase: 1\n\n",
                0,
            ),
            (Framing::Events, b"data: never ended\n", 0),
            (Framing::Lines, b"{}\n\n{\"a\": 1}\r\n \n{}", 3),
            (Framing::Lines, b"", 0),
        ] {
            for size in 1..=bytes.len().max(1) {
                let text = bytes.escape_ascii();
                assert_eq!(counted(framing, bytes, size), wanted, "{text} by {size}");
            }
        }
    }

    #[test]
    fn chunks_are_counted_as_they_came() {
        assert_eq!(Events::new(Framing::Chunks).feed(b"abc", 2), 2);
        assert_eq!(Events::new(Framing::Chunks).end(), 0);
    }
}
