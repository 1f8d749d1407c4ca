//! A request whose answer comes bit by bit: what its events are, and when enough came.

use std::time::Duration;

/// What an event of a stream is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// Server-sent events: what a blank line ends, with data in it.
    Events,
    /// Lines that are not blank, as in NDJSON.
    Lines,
    /// What the server sends at once: a chunk; where there are none, what is read at once.
    Chunks,
}

impl Framing {
    /// The framing that a content type stands for.
    pub fn of(content_type: &[u8]) -> Self {
        let kind = content_type.split(|byte| *byte == b';').next();
        let kind = String::from_utf8_lossy(kind.unwrap_or_default()).to_ascii_lowercase();
        match kind.trim() {
            "text/event-stream" => Self::Events,
            "application/x-ndjson"
            | "application/ndjson"
            | "application/jsonl"
            | "application/x-jsonlines"
            | "application/jsonlines"
            | "application/json-lines"
            | "application/json-seq"
            | "application/stream+json" => Self::Lines,
            _ => Self::Chunks,
        }
    }
}

/// A request whose answer is a stream.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Streamed {
    /// What its events are; `None`: as its content type says.
    pub framing: Option<Framing>,
    /// It is over after so many events.
    pub events: Option<u64>,
    /// It is over after so long, from its send.
    pub time: Option<Duration>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_content_type_says_what_an_event_is() {
        for (kind, framing) in [
            ("text/event-stream; charset=utf-8", Framing::Events),
            ("Text/Event-Stream", Framing::Events),
            ("application/x-ndjson", Framing::Lines),
            ("text/plain", Framing::Chunks),
            ("", Framing::Chunks),
        ] {
            assert_eq!(Framing::of(kind.as_bytes()), framing, "{kind}");
        }
    }
}
