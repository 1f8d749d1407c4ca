//! Events put together from their lines: each is given to a sink with its stack.

use std::io::BufRead;

use super::call::{Call, call_text, libraries, order_inlined, parse_call};
use super::event::{Event, parse_header};
use crate::stacks::error::Result;
use crate::stacks::model::{Frame, Kind, NodeId, ROOT, Reason, Stacks};
use crate::stacks::read::line_reader::for_each_line;

/// Calls that one event of `perf script` gives.
pub trait Sink {
    /// A whole event, its stack as a node of `stacks` ([`ROOT`] if it has none).
    fn event(&mut self, stacks: &mut Stacks, event: &Event, node: NodeId);
}

/// What a sample counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Weight {
    /// One.
    Sample,
    /// Its period, the events that it stands for, where the text has it; one where it has not.
    Period,
}

/// Count the samples of a recording, of one kind of event: the one that is named, or the first that comes.
///
/// Kinds of events are never added up: the others are skipped, and counted as that.
///
/// # Errors
/// The reader's.
pub fn read_perf<R: BufRead>(reader: R, weight: Weight, event: Option<&str>) -> Result<Stacks> {
    struct Samples {
        weight: Weight,
        wanted: Option<String>,
    }
    impl Sink for Samples {
        fn event(&mut self, stacks: &mut Stacks, event: &Event, node: NodeId) {
            if event.name.starts_with("PERF_RECORD_") {
                return;
            }
            let wanted = self.wanted.get_or_insert_with(|| event.name.clone());
            let value = match self.weight {
                Weight::Sample => 1,
                Weight::Period => event.period.unwrap_or(1),
            };
            if *wanted != event.name {
                stacks.skipped.count(Reason::OtherEvent);
            } else if node == ROOT {
                stacks.skipped.count(Reason::NoStack);
            } else if !stacks.add(node, value) {
                stacks.skipped.count(Reason::Overflow);
            }
        }
    }
    let wanted = event.map(ToOwned::to_owned);
    read_events(reader, &mut Samples { weight, wanted })
}

/// Whether a text that begins so is `perf script`'s: its first line that says anything is an event's.
#[must_use]
pub fn is_perf(beginning: &[u8]) -> bool {
    beginning
        .split(|&byte| byte == b'\n')
        .filter_map(|line| std::str::from_utf8(line).ok())
        .map(str::trim_end)
        .find(|line| !line.is_empty() && !line.starts_with('#'))
        .is_some_and(|line| parse_header(line).is_some())
}

/// Give every event of the text to `sink`.
pub fn read_events<R: BufRead>(reader: R, sink: &mut impl Sink) -> Result<Stacks> {
    let mut script = Script {
        stacks: Stacks::default(),
        event: None,
        calls: Vec::new(),
    };
    for_each_line(reader, |line| {
        match line.map(|line| (memchr::memchr(0, line), std::str::from_utf8(line))) {
            None => script.stacks.skipped.count(Reason::TooLong),
            Some((Some(_), _)) => script.stacks.skipped.count(Reason::Nul),
            Some((None, Err(_))) => script.stacks.skipped.count(Reason::NotUtf8),
            Some((None, Ok(line))) => script.line(line, sink),
        }
        Ok(())
    })?;
    script.finish(sink);
    Ok(script.stacks)
}

struct Script {
    stacks: Stacks,
    event: Option<Event>,
    calls: Vec<Call>,
}

impl Script {
    fn line(&mut self, line: &str, sink: &mut impl Sink) {
        if line.trim().is_empty() {
            // Some texts have an empty line between an event and its stack.
            if !self.calls.is_empty() {
                self.finish(sink);
            }
        } else if line.starts_with('#') {
            // A comment of perf's.
        } else if let Some(event) = Some(line)
            .filter(|line| !line.starts_with('\t'))
            .and_then(parse_header)
        {
            self.finish(sink);
            self.begin(event);
        } else {
            self.call(line);
        }
    }

    fn begin(&mut self, event: Event) {
        if event.name == "PERF_RECORD_LOST" || event.name == "PERF_RECORD_LOST_SAMPLES" {
            let lost = event
                .detail
                .split(' ')
                .filter_map(|word| word.parse::<u64>().ok())
                .next_back();
            self.stacks.lost = self.stacks.lost.saturating_add(lost.unwrap_or(1));
        }
        // A stack of one frame may stand on the event's own line.
        self.calls.extend(parse_call(&event.detail));
        self.event = Some(event);
    }

    fn call(&mut self, line: &str) {
        match (parse_call(line), &self.event) {
            (Some(call), Some(_)) => self.calls.push(call),
            _ => self.stacks.skipped.count(Reason::Malformed),
        }
    }

    fn finish(&mut self, sink: &mut impl Sink) {
        if let Some(event) = self.event.take() {
            let node = self.node(&event);
            match node {
                Some(node) => sink.event(&mut self.stacks, &event, node),
                None => self.stacks.skipped.count(Reason::Limit),
            }
        }
        self.calls.clear();
    }

    fn node(&mut self, event: &Event) -> Option<NodeId> {
        if self.calls.is_empty() {
            return Some(ROOT);
        }
        order_inlined(&mut self.calls);
        let heading = format!("thread ({}): {}", event.tid, event.comm);
        let frame = self
            .stacks
            .intern(&heading, || Frame::plain(&heading, Kind::Thread))?;
        let mut node = self.stacks.child(ROOT, frame)?;
        let libraries = libraries(&self.calls);
        for (call, (library, is_rust)) in self.calls.iter().zip(libraries).rev() {
            let text = call_text(call, library);
            let frame = self.stacks.intern(&text, || {
                let frame = Frame::parse(&text);
                let kind = if is_rust && frame.named && frame.kind == Kind::C {
                    Kind::Rust
                } else {
                    frame.kind
                };
                Frame { kind, ..frame }
            })?;
            node = self.stacks.child(node, frame)?;
        }
        Some(node)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_container_that_perf_wrote_first_goes_last() {
        let text = "t 1/2 1.000000: 1 cpu-clock: \n\
            \t 10 _ZN4core6python4work17h0123456789abcdefE (/a/_core.so)\n\
            \t 10 inner (inlined)\n\
            \t 10 work<u8> (inlined)\n\
            \t 20 main (/a/b)\n\n";
        let stacks = read_perf(text.as_bytes(), Weight::Sample, None).unwrap();
        let mut out = Vec::new();
        stacks.write_collapsed(&mut out).unwrap();
        let expected = "thread (2): t;main;work<u8> (_core.so);inner (_core.so) 1\n";
        assert_eq!(String::from_utf8(out).unwrap(), expected);
        assert!(
            stacks
                .frames()
                .iter()
                .any(|frame| &*frame.text == "inner (_core.so)" && frame.kind == Kind::Rust)
        );
    }

    #[test]
    fn the_innermost_function_is_not_doubled() {
        let text = "t 1/2 1.0: cpu-clock:\n\t ff k ([kernel.kallsyms])\n\t 10 f (/l.so)\n\t 10 f (/l.so)\n\t 10 f (/l.so)\n";
        let stacks = read_perf(text.as_bytes(), Weight::Sample, None).unwrap();
        let mut out = Vec::new();
        stacks.write_collapsed(&mut out).unwrap();
        assert_eq!(
            String::from_utf8(out).unwrap(),
            "thread (2): t;f (l.so);f (l.so);k_[k] 1\n"
        );
    }

    #[test]
    fn nonsense_is_skipped_and_counted() {
        let text = b"\t 10 f (x)\nnonsense\nt 1/2 1.0: cpu-clock:\n\t zz f (x)\n\nt 1/2 1.0: a\0b:\n\xff\n";
        let stacks = read_perf(&text[..], Weight::Sample, None).unwrap();
        assert_eq!(stacks.total(), 0);
        assert_eq!(stacks.skipped.of(Reason::Malformed), 3);
        assert_eq!(stacks.skipped.of(Reason::NoStack), 1);
        assert_eq!(stacks.skipped.of(Reason::Nul), 1);
        assert_eq!(stacks.skipped.of(Reason::NotUtf8), 1);
    }
}
