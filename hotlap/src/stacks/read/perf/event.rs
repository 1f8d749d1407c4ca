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
    /// When, in nanoseconds of the recording's clock; `None` where the text does not say.
    pub time_ns: Option<u64>,
    /// How many events the sample stands for; `None` where the text does not say.
    pub period: Option<u64>,
    /// `cpu-clock`, `sched:sched_switch`, `PERF_RECORD_SWITCH`.
    pub name: String,
    /// What follows the name.
    pub detail: String,
}

/// `NAME PID[/TID] [CPU] TIME: PERIOD EVENT: DETAIL`, of which processor, time, period and detail may be missing.
///
/// perf pads short thread names with blanks on the left.
pub(super) fn parse_header(line: &str) -> Option<Event> {
    let (comm, pid, tid, rest) = ids(line)?;
    let rest = match rest.strip_prefix('[') {
        Some(cpu) => cpu.split_once(']')?.1.trim_start(),
        None => rest,
    };
    let (time_ns, rest) = match rest.split_once(':') {
        Some((time, after)) => match nanoseconds(time) {
            Some(time_ns) => (Some(time_ns), after.trim_start()),
            None => (None, rest),
        },
        None => return None,
    };
    // A period is set apart by a blank; `123event` is none.
    let (period, rest) = match rest.split_once(' ') {
        Some((number, after)) if !number.is_empty() => match number.parse::<u64>() {
            Ok(period) => (Some(period), after.trim_start()),
            Err(_) => (None, rest),
        },
        _ => (None, rest),
    };
    let (name, detail) = if rest.starts_with("PERF_RECORD_") {
        rest.split_once(' ').unwrap_or((rest, ""))
    } else if let Some(end) = rest.find(": ") {
        (&rest[..end], &rest[end + 2..])
    } else {
        (rest.trim_end().strip_suffix(':')?, "")
    };
    if !name.starts_with(|c: char| c.is_ascii_alphabetic()) || name.contains(' ') {
        return None;
    }
    Some(Event {
        comm: comm.to_owned(),
        pid,
        tid,
        time_ns,
        period,
        name: name.trim_end_matches(':').to_owned(),
        detail: detail.trim().to_owned(),
    })
}

/// The thread's name, its process, the thread, and what follows them.
///
/// The name may have blanks and numbers in it: what follows it is the first `PID/TID`, or else the first number
/// before what can only follow one.
fn ids(line: &str) -> Option<(&str, u32, u32, &str)> {
    let words = || {
        line.split(' ')
            .filter(|word| !word.is_empty())
            .map(|word| (word.as_ptr() as usize - line.as_ptr() as usize, word))
    };
    let parts = |at: usize, word: &str| (line[..at].trim(), line[at + word.len()..].trim_start());
    for (at, word) in words() {
        if let Some((pid, tid)) = word.split_once('/')
            && let (Ok(pid), Ok(tid)) = (pid.parse(), tid.parse())
        {
            let (comm, rest) = parts(at, word);
            return Some((comm, pid, tid, rest));
        }
    }
    words()
        .zip(words().skip(1))
        .skip(1)
        .find_map(|((at, word), (_, next))| {
            // perf writes -1 where it does not know the process.
            let pid = word
                .parse()
                .or_else(|_| word.parse::<i32>().map(|_| 0))
                .ok()?;
            let is_end = next.starts_with('[') || next.ends_with(':');
            let (comm, rest) = parts(at, word);
            is_end.then_some((comm, pid, pid, rest))
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
            (Some(2_782_218_037_000), "cpu-clock")
        );
        let event = parse_header(" tokio rt/0 12/13 [001] 1.000000002: cycles:P: ").unwrap();
        assert_eq!(
            (event.comm.as_str(), event.tid, event.name.as_str()),
            ("tokio rt/0", 13, "cycles:P")
        );
        assert_eq!((event.time_ns, event.period), (Some(1_000_000_002), None));
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
            "python 1/2 x y",
            "1/2 99999999999999999999.1: a b:",
        ] {
            assert_eq!(parse_header(line), None, "{line}");
        }
    }

    #[test]
    fn headers_of_other_settings_are_read() {
        for (line, comm, tid, time_ns, period, name) in [
            (
                "func_ab 15294 cpu-clock: ",
                "func_ab",
                15294,
                None,
                None,
                "cpu-clock",
            ),
            (
                "java  3244 [001] cycles:",
                "java",
                3244,
                None,
                None,
                "cycles",
            ),
            (
                "pool 1 2 77 12.5:   9 cycles:u: ",
                "pool 1 2",
                77,
                Some(12_500_000_000),
                Some(9),
                "cycles:u",
            ),
            (
                "swapper     0 [012] 1.000001:   20 cycles:",
                "swapper",
                0,
                Some(1_000_001_000),
                Some(20),
                "cycles",
            ),
            (
                ":-1 -1 1.5: cycles:",
                ":-1",
                0,
                Some(1_500_000_000),
                None,
                "cycles",
            ),
        ] {
            let event = parse_header(line).unwrap_or_else(|| panic!("{line}"));
            assert_eq!(
                (
                    &*event.comm,
                    event.tid,
                    event.time_ns,
                    event.period,
                    &*event.name
                ),
                (comm, tid, time_ns, period, name)
            );
        }
        let event = parse_header("false 39 1.5: 1 cycles:u:  7fff [unknown] ([unknown])").unwrap();
        assert_eq!(
            (&*event.name, &*event.detail),
            ("cycles:u", "7fff [unknown] ([unknown])")
        );
    }
}
