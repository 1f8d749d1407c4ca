//! The reader of `perf script`'s text, event by event.
//!
//! Written for `perf script --no-demangle -F comm,pid,tid,time,event,period,ip,sym,dso,trace`, with or without
//! the period and the trace, and with `--show-switch-events` and `--show-lost-events`.

use std::io::BufRead;

use super::demangle::is_rust_symbol;
use super::error::Result;
use super::frame::{Frame, KERNEL_SUFFIX, Kind};
use super::lines::for_each_line;
use super::model::{NodeId, ROOT, Stacks};
use super::skipped::Reason;

/// The first line of an event.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Event {
    /// The thread's name.
    pub comm: String,
    /// Its process.
    pub pid: u32,
    /// The thread.
    pub tid: u32,
    /// When, in nanoseconds of the recording's clock.
    pub time_ns: u64,
    /// `cpu-clock`, `sched:sched_switch`, `PERF_RECORD_SWITCH`.
    pub name: String,
    /// What follows the name.
    pub detail: String,
}

/// One line of an event's stack, innermost first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Call {
    address: u64,
    symbol: String,
    /// The library, or `None` for an inlined function.
    library: Option<String>,
    /// Whether the symbol is a mangled one of Rust's.
    is_rust: bool,
}

/// Calls that one event of `perf script` gives.
pub(super) trait Sink {
    /// A whole event, its stack as a node of `stacks` ([`ROOT`] if it has none).
    fn event(&mut self, stacks: &mut Stacks, event: &Event, node: NodeId);
}

/// Count the samples of an on-CPU recording.
///
/// # Errors
/// The reader's.
pub fn read_perf<R: BufRead>(reader: R) -> Result<Stacks> {
    struct Samples;
    impl Sink for Samples {
        fn event(&mut self, stacks: &mut Stacks, event: &Event, node: NodeId) {
            if event.name.starts_with("PERF_RECORD_") {
                return;
            }
            if node == ROOT {
                stacks.skipped.count(Reason::NoStack);
            } else if !stacks.add(node, 1) {
                stacks.skipped.count(Reason::Overflow);
            }
        }
    }
    read_events(reader, &mut Samples)
}

/// Give every event of the text to `sink`.
pub(super) fn read_events<R: BufRead>(reader: R, sink: &mut impl Sink) -> Result<Stacks> {
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
            self.finish(sink);
        } else if line.starts_with('#') {
            // A comment of perf's.
        } else if line.starts_with(['\t', ' ']) && !is_header(line) {
            match (parse_call(line), &self.event) {
                (Some(call), Some(_)) => self.calls.push(call),
                _ => self.stacks.skipped.count(Reason::Malformed),
            }
        } else {
            self.finish(sink);
            match parse_header(line) {
                Some(event) => {
                    if event.name == "PERF_RECORD_LOST" || event.name == "PERF_RECORD_LOST_SAMPLES"
                    {
                        let lost = event
                            .detail
                            .split(' ')
                            .filter_map(|word| word.parse::<u64>().ok())
                            .next_back();
                        self.stacks.lost = self.stacks.lost.saturating_add(lost.unwrap_or(1));
                    }
                    self.event = Some(event);
                }
                None => self.stacks.skipped.count(Reason::Malformed),
            }
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

/// perf pads short thread names with blanks on the left.
fn is_header(line: &str) -> bool {
    line.starts_with(' ') && parse_header(line).is_some()
}

fn parse_header(line: &str) -> Option<Event> {
    // The name may have blanks in it: what follows it is the first `PID/TID`.
    let mut from = 0;
    let (comm, pid, tid, rest) = loop {
        let slash = from + line[from..].find('/')?;
        let start = line[..slash].rfind(' ').map_or(0, |at| at + 1);
        let end = line[slash..].find(' ').map_or(line.len(), |at| slash + at);
        let ids = (
            line[start..slash].parse().ok(),
            line[slash + 1..end].parse().ok(),
        );
        if let (Some(pid), Some(tid)) = ids {
            break (line[..start].trim(), pid, tid, line[end..].trim_start());
        }
        from = slash + 1;
    };
    let rest = match rest.strip_prefix('[') {
        Some(cpu) => cpu.split_once(']')?.1.trim_start(),
        None => rest,
    };
    let (time, rest) = rest.split_once(':')?;
    let time_ns = nanoseconds(time)?;
    let rest = rest.trim_start();
    let unnumbered = rest.trim_start_matches(|c: char| c.is_ascii_digit());
    // A period is set apart by a blank; `123event` is none.
    let rest = if unnumbered.starts_with(' ') {
        unnumbered.trim_start()
    } else {
        rest
    };
    let (name, detail) = if rest.starts_with("PERF_RECORD_") {
        rest.split_once(' ').unwrap_or((rest, ""))
    } else if let Some(end) = rest.find(": ") {
        (&rest[..end], &rest[end + 2..])
    } else {
        (rest.trim_end().strip_suffix(':')?, "")
    };
    Some(Event {
        comm: comm.to_owned(),
        pid,
        tid,
        time_ns,
        name: name.trim_end_matches(':').to_owned(),
        detail: detail.trim().to_owned(),
    })
}

/// `12.345678` (micro- or nanoseconds behind the point) in nanoseconds.
fn nanoseconds(time: &str) -> Option<u64> {
    let (whole, part) = time.split_once('.')?;
    if part.is_empty() || part.len() > 9 || !part.bytes().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    let digits = u32::try_from(part.len()).ok()?;
    let fraction = part
        .parse::<u64>()
        .ok()?
        .checked_mul(10_u64.pow(9 - digits))?;
    whole
        .parse::<u64>()
        .ok()?
        .checked_mul(1_000_000_000)?
        .checked_add(fraction)
}

/// `ADDRESS SYMBOL (LIBRARY)`.
fn parse_call(line: &str) -> Option<Call> {
    let line = line.trim();
    let (address, rest) = line.split_once(' ')?;
    let address = u64::from_str_radix(address, 16).ok()?;
    let inner = rest.strip_suffix(')')?;
    // A library's path may have parentheses of its own: `(/memfd:x (deleted))`.
    let open = match inner.strip_suffix(" (deleted)") {
        Some(shorter) => shorter.rfind(" ("),
        None => inner.rfind(" ("),
    }?;
    let library = &inner[open + 2..];
    let symbol = inner[..open].trim();
    Some(Call {
        address,
        is_rust: is_rust_symbol(symbol),
        symbol: symbol.to_owned(),
        library: (library != "inlined").then(|| library.to_owned()),
    })
}

/// Put the functions that share an address into order, innermost first.
///
/// perf gives the symbol that contains inlined functions last, but first where it did not recognize it
/// among them by its name (Rust's differ), and the innermost function outside of the kernel twice.
fn order_inlined(calls: &mut Vec<Call>) {
    let is_kernel = |call: &Call| call.library.as_deref().is_some_and(is_kernel);
    let first = calls.iter().position(|call| !is_kernel(call)).unwrap_or(0);
    let length = run_length(&calls[first..]);
    if length > 1 && calls[first + length - 1] == calls[first + length - 2] {
        calls.remove(first + length - 1);
    }
    let mut start = 0;
    while start < calls.len() {
        let length = run_length(&calls[start..]);
        let run = &mut calls[start..start + length];
        let is_turned = length > 1
            && run[0].library.is_some()
            && run[1..].iter().all(|call| call.library.is_none());
        if is_turned {
            run.rotate_left(1);
            let container = super::demangle::demangle(&run[length - 1].symbol);
            if last_part(&run[length - 2].symbol) == last_part(&container) {
                // It is there already, by the name that other samples of it and other recorders give.
                run[length - 2].library = run[length - 1].library.take();
                run[length - 2].is_rust |= run[length - 1].is_rust;
                calls.remove(start + length - 1);
                start += length - 1;
                continue;
            }
        }
        start += length;
    }
}

fn run_length(calls: &[Call]) -> usize {
    calls
        .iter()
        .take_while(|call| call.address == calls[0].address)
        .count()
}

/// The function's own name, without path and arguments.
fn last_part(name: &str) -> &str {
    let name = name
        .split('<')
        .next()
        .filter(|name| !name.is_empty())
        .unwrap_or(name);
    name.rsplit("::").next().unwrap_or(name)
}

/// The library of each call and whether the code there is Rust's: of an inlined one, what its address says.
fn libraries(calls: &[Call]) -> Vec<(Option<&str>, bool)> {
    let mut found = Vec::with_capacity(calls.len());
    let mut start = 0;
    while start < calls.len() {
        let length = run_length(&calls[start..]);
        let run = &calls[start..start + length];
        let library = run.iter().find_map(|call| call.library.as_deref());
        let is_rust = run
            .iter()
            .any(|call| call.is_rust || call.symbol.starts_with("{closure"));
        found.extend(std::iter::repeat_n((library, is_rust), length));
        start += length;
    }
    found
}

fn is_kernel(library: &str) -> bool {
    (library.starts_with("[kernel")
        || library.starts_with("[guest.kernel")
        || library.ends_with(".ko"))
        || (library.starts_with('[')
            && !["[unknown]", "[vdso]", "[heap]", "[stack]"].contains(&library))
}

/// What the lab calls the functions of Python 3.12, of which perf cannot know more.
const TRAMPOLINES: &str = "py::trampolines";

fn call_text(call: &Call, library: Option<&str>) -> String {
    let symbol = call.symbol.as_str();
    match library {
        // Many functions by one name: which it is depends on the address.
        Some(library) if symbol == TRAMPOLINES => {
            format!("{symbol}+{:x}:{library}", call.address)
        }
        _ if symbol.starts_with("py::") => symbol.to_owned(),
        Some(library) if is_kernel(library) => format!("{symbol}{KERNEL_SUFFIX}"),
        None | Some("[unknown]") => symbol.to_owned(),
        Some(library) => format!(
            "{symbol} ({})",
            library.rsplit('/').next().unwrap_or(library)
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_read_with_all_that_perf_may_write() {
        let event =
            parse_header("python  9404/9415   2782.218037:    5025125 cpu-clock: ").unwrap();
        assert_eq!(
            (event.comm.as_str(), event.pid, event.tid),
            ("python", 9404, 9415)
        );
        assert_eq!(
            (event.time_ns, event.name.as_str()),
            (2_782_218_037_000, "cpu-clock")
        );
        let event = parse_header(" tokio rt/0 12/13 [001] 1.000000002: cycles:P: ").unwrap();
        assert_eq!(
            (event.comm.as_str(), event.tid, event.name.as_str()),
            ("tokio rt/0", 13, "cycles:P")
        );
        assert_eq!(event.time_ns, 1_000_000_002);
        let event = parse_header("python 10234/10234  2875.477772: PERF_RECORD_SWITCH OUT preempt")
            .unwrap();
        assert_eq!(
            (event.name.as_str(), event.detail.as_str()),
            ("PERF_RECORD_SWITCH", "OUT preempt")
        );
        for line in [
            "",
            "python",
            "a/b c",
            "python 1/2",
            "python 1/2 x: y",
            "1/2 99999999999999999999.1: a:",
        ] {
            assert_eq!(parse_header(line), None, "{line}");
        }
    }

    #[test]
    fn a_container_that_perf_wrote_first_goes_last() {
        let text = "t 1/2 1.000000: 1 cpu-clock: \n\
            \t 10 _ZN4core6python4work17h0123456789abcdefE (/a/_core.so)\n\
            \t 10 inner (inlined)\n\
            \t 10 work<u8> (inlined)\n\
            \t 20 main (/a/b)\n\n";
        let stacks = read_perf(text.as_bytes()).unwrap();
        let mut out = Vec::new();
        stacks.write_collapsed(&mut out).unwrap();
        let expected = "thread (2): t;main (b);work<u8> (_core.so);inner (_core.so) 1\n";
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
        let stacks = read_perf(text.as_bytes()).unwrap();
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
        let stacks = read_perf(&text[..]).unwrap();
        assert_eq!(stacks.total(), 0);
        assert_eq!(stacks.skipped.of(Reason::Malformed), 3);
        assert_eq!(stacks.skipped.of(Reason::NoStack), 1);
        assert_eq!(stacks.skipped.of(Reason::Nul), 1);
        assert_eq!(stacks.skipped.of(Reason::NotUtf8), 1);
    }
}
