//! The first line of an event: thread, time, name and what follows it.

/// What the first line of an event says.
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

/// perf pads short thread names with blanks on the left.
pub(super) fn is_header(line: &str) -> bool {
    line.starts_with(' ') && parse_header(line).is_some()
}

pub(super) fn parse_header(line: &str) -> Option<Event> {
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
}
