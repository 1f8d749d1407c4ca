//! Time off the processor, by the stack that left it.
//!
//! A thread leaves at `sched:sched_switch` and is back when the scheduler gives it a processor again, which
//! is said by another thread's `sched:sched_switch` (in recordings of the whole machine) or by
//! `PERF_RECORD_SWITCH IN` (`perf record --switch-events`). Meanwhile it first waits, until it is woken
//! (`sched:sched_wakeup`), and then only lacks a processor: the two are told apart, and a thread that was
//! preempted lacks one all the time.
//!
//! A thread that is away when the recording ends waits until then, and one that was away when it began has
//! waited since then. Who did so for more than half of the recording serves nobody meanwhile: it is kept apart.

use std::collections::hash_map::Entry;
use std::io::BufRead;

use rustc_hash::FxHashMap;

use super::perf::{Event, Sink, read_events};
use crate::stacks::error::Result;
use crate::stacks::model::{Kind, NodeId, ROOT, Reason, Stacks, shown};

/// What a recording of the scheduler says.
#[derive(Debug, Clone, Default)]
pub struct OffCpu {
    /// Microseconds spent waiting for something.
    pub waiting: Stacks,
    /// Microseconds spent able to run, without a processor.
    pub runnable: Stacks,
    /// Microseconds of threads that were blocked throughout: for more than half of the recording at once.
    pub throughout: Stacks,
    /// How often a thread left the processor.
    pub switches: u64,
    /// Those whose return is missing: the thread left again without one.
    pub unpaired: u64,
    /// How long the recording was, in microseconds.
    pub span_us: u64,
}

/// What is known of a recording of the scheduler beside its events.
#[derive(Debug, Clone, Default)]
pub struct Around {
    /// The processes that are wanted; all if there are none.
    pub pids: Vec<u32>,
    /// The threads that were off the processor when the recording began, each with the stack that it had.
    pub blocked: Vec<(u32, Vec<String>)>,
    /// How long was recorded, in microseconds, where that is more than from the first event to the last.
    pub window_us: u64,
}

/// Read the scheduler's events.
///
/// # Errors
/// The reader's.
pub fn read_offcpu<R: BufRead>(reader: R, around: &Around) -> Result<OffCpu> {
    let mut pairing = Pairing {
        pids: &around.pids,
        ..Pairing::default()
    };
    let mut stacks = read_events(reader, &mut pairing)?;
    let window_ns = around.window_us.saturating_mul(NS_PER_US);
    let end_ns = pairing.last_ns.max(window_ns);
    let begin_ns = pairing.first_ns.unwrap_or(end_ns).min(end_ns - window_ns);
    pairing.finish(&mut stacks, around, begin_ns, end_ns);
    Ok(OffCpu {
        runnable: stacks.with_values(&pairing.runnable_ns, NS_PER_US),
        waiting: stacks.with_values(&pairing.waiting_ns, NS_PER_US),
        throughout: stacks.with_values(&pairing.throughout_ns, NS_PER_US),
        switches: pairing.switches,
        unpaired: pairing.unpaired,
        span_us: (end_ns - begin_ns) / NS_PER_US,
    })
}

const NS_PER_US: u64 = 1000;

/// A thread that is off the processor.
#[derive(Debug, Clone, Copy)]
struct Away {
    since_ns: u64,
    woken_ns: Option<u64>,
    node: NodeId,
}

#[derive(Debug, Default)]
struct Pairing<'a> {
    pids: &'a [u32],
    away: FxHashMap<u32, Away>,
    /// When each thread was first heard of: `None` if by leaving, so that it was not away before.
    first_back_ns: FxHashMap<u32, Option<u64>>,
    waiting_ns: Vec<u64>,
    runnable_ns: Vec<u64>,
    throughout_ns: Vec<u64>,
    switches: u64,
    unpaired: u64,
    first_ns: Option<u64>,
    last_ns: u64,
}

impl Sink for Pairing<'_> {
    fn event(&mut self, stacks: &mut Stacks, event: &Event, node: NodeId) {
        let Some(time_ns) = event.time_ns else {
            stacks.skipped.count(Reason::Malformed);
            return;
        };
        self.first_ns.get_or_insert(time_ns);
        self.last_ns = self.last_ns.max(time_ns);
        match event.name.as_str() {
            "sched:sched_switch" => {
                self.leave(event, time_ns, before_scheduler(stacks, node));
                if let Some(next) = field(&event.detail, "next_pid") {
                    self.back(next, time_ns);
                }
            }
            "PERF_RECORD_SWITCH" | "PERF_RECORD_SWITCH_CPU_WIDE"
                if event.detail.starts_with("IN") =>
            {
                self.back(event.tid, time_ns);
            }
            "sched:sched_wakeup" | "sched:sched_wakeup_new" => {
                let away = field(&event.detail, "pid").and_then(|tid| self.away.get_mut(&tid));
                if let Some(away) = away {
                    away.woken_ns.get_or_insert(time_ns);
                }
            }
            _ => {}
        }
    }
}

impl Pairing<'_> {
    fn leave(&mut self, event: &Event, time_ns: u64, node: NodeId) {
        let is_wanted = self.pids.is_empty() || self.pids.contains(&event.pid);
        if !is_wanted || event.tid == 0 || node == ROOT {
            return;
        }
        self.switches += 1;
        self.first_back_ns.entry(event.tid).or_insert(None);
        let is_preempted =
            word(&event.detail, "prev_state").is_some_and(|state| state.starts_with('R'));
        let away = Away {
            since_ns: time_ns,
            woken_ns: is_preempted.then_some(time_ns),
            node,
        };
        match self.away.entry(event.tid) {
            Entry::Occupied(mut entry) => {
                // It left twice: its return is not in the recording.
                self.unpaired += 1;
                entry.insert(away);
            }
            Entry::Vacant(entry) => {
                entry.insert(away);
            }
        }
    }

    fn back(&mut self, tid: u32, now_ns: u64) {
        let Some(away) = self.away.remove(&tid) else {
            self.first_back_ns.entry(tid).or_insert(Some(now_ns));
            return;
        };
        if now_ns < away.since_ns {
            self.unpaired += 1;
            return;
        }
        let woken_ns = away.woken_ns.unwrap_or(now_ns).clamp(away.since_ns, now_ns);
        add(&mut self.waiting_ns, away.node, woken_ns - away.since_ns);
        add(&mut self.runnable_ns, away.node, now_ns - woken_ns);
    }

    /// Count what threads wait at the end, and what those had waited at the beginning that were away then.
    fn finish(&mut self, stacks: &mut Stacks, around: &Around, begin_ns: u64, end_ns: u64) {
        let half_ns = (end_ns - begin_ns) / 2;
        for away in std::mem::take(&mut self.away).into_values() {
            let woken_ns = away.woken_ns.unwrap_or(end_ns).clamp(away.since_ns, end_ns);
            self.wait(away.node, woken_ns - away.since_ns, half_ns);
            add(&mut self.runnable_ns, away.node, end_ns - woken_ns);
        }
        for (tid, stack) in &around.blocked {
            let until_ns = match self.first_back_ns.get(tid) {
                Some(Some(back_ns)) => *back_ns,
                Some(None) => continue,
                None => end_ns,
            };
            match stacks.walk(stack.iter().map(String::as_str)) {
                Some(node) => self.wait(node, until_ns.saturating_sub(begin_ns), half_ns),
                None => stacks.skipped.count(Reason::Limit),
            }
        }
    }

    fn wait(&mut self, node: NodeId, waited_ns: u64, half_ns: u64) {
        let values = if waited_ns > half_ns {
            &mut self.throughout_ns
        } else {
            &mut self.waiting_ns
        };
        add(values, node, waited_ns);
    }
}

/// The stack without the scheduler's own frames, which end every one.
fn before_scheduler(stacks: &Stacks, mut node: NodeId) -> NodeId {
    while node != ROOT {
        let at = stacks.nodes()[node as usize];
        let frame = stacks.frame(at.frame);
        let is_scheduler = frame.kind == Kind::Kernel
            && shown(&frame.text)
                .trim_start_matches('_')
                .contains("schedule");
        if !is_scheduler || at.parent == ROOT {
            break;
        }
        node = at.parent;
    }
    node
}

fn add(values: &mut Vec<u64>, node: NodeId, value: u64) {
    let at = node as usize;
    if values.len() <= at {
        values.resize(at + 1, 0);
    }
    values[at] = values[at].saturating_add(value);
}

/// The value of `name=value`.
fn word<'a>(detail: &'a str, name: &str) -> Option<&'a str> {
    detail
        .split(' ')
        .find_map(|word| word.strip_prefix(name)?.strip_prefix('='))
}

fn field(detail: &str, name: &str) -> Option<u32> {
    word(detail, name)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn collapsed(stacks: &Stacks) -> String {
        let mut out = Vec::new();
        stacks.write_collapsed(&mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    fn switch(tid: u32, time: &str, state: &str, next: u32) -> String {
        format!(
            "py 1/{tid} {time}: 1 sched:sched_switch: prev_comm=py prev_pid={tid} prev_prio=120 prev_state={state} ==> next_comm=x next_pid={next} next_prio=120\n\t 10 wait (/l.so)\n\t 20 main (/l.so)\n\n"
        )
    }

    #[test]
    fn waiting_ends_when_the_thread_is_woken() {
        let text = switch(2, "1.000000", "S", 0)
            + "py 1/3 1.000100: 1 sched:sched_wakeup: comm=py pid=2 prio=120 target_cpu=000\n\n"
            + "py 1/2 1.000130: PERF_RECORD_SWITCH IN\n";
        let off = read_offcpu(text.as_bytes(), &Around::default()).unwrap();
        assert_eq!(
            collapsed(&off.waiting),
            "thread (2): py;main (l.so);wait (l.so) 100\n"
        );
        assert_eq!(
            collapsed(&off.runnable),
            "thread (2): py;main (l.so);wait (l.so) 30\n"
        );
        assert_eq!((off.switches, off.unpaired, off.span_us), (1, 0, 130));
    }

    #[test]
    fn preemption_is_kept_apart() {
        let text = switch(2, "1.000000", "R+", 3) + &switch(3, "1.000500", "S", 2);
        let off = read_offcpu(text.as_bytes(), &Around::default()).unwrap();
        assert_eq!(off.waiting.total(), 0);
        assert_eq!(off.runnable.total(), 500);
        assert_eq!((off.switches, off.unpaired), (2, 0));
    }

    #[test]
    fn short_waits_add_up() {
        let mut text = String::new();
        for at in 0..10_u32 {
            text += &switch(2, &format!("1.0000{at}0000"), "D", 0);
            text += &format!("py 1/2 1.0000{at}0400: PERF_RECORD_SWITCH IN\n\n");
        }
        assert_eq!(
            read_offcpu(text.as_bytes(), &Around::default())
                .unwrap()
                .waiting
                .total(),
            4
        );
    }

    #[test]
    fn what_has_no_end_waits_until_the_recording_has() {
        let text = switch(2, "1.000000", "S", 0)
            + &switch(2, "2.500000", "S", 0)
            + &switch(9, "3.000000", "S", 0);
        let off = read_offcpu(text.as_bytes(), &Around::default()).unwrap();
        assert_eq!((off.switches, off.unpaired), (3, 1));
        assert_eq!((off.waiting.total(), off.throughout.total()), (500_000, 0));
        let others = Around {
            pids: vec![77],
            ..Around::default()
        };
        assert_eq!(read_offcpu(text.as_bytes(), &others).unwrap().switches, 0);
    }

    #[test]
    fn who_is_blocked_throughout_is_kept_apart() {
        let stack = |tid: u32| {
            let heading = format!("thread ({tid}): py");
            (tid, vec![heading, "futex_wait_[k]".to_owned()])
        };
        let text = switch(2, "11.000000", "S", 0)
            + "py 1/3 10.500000: PERF_RECORD_SWITCH IN\n\n"
            + "py 1/4 13.000000: PERF_RECORD_SWITCH IN\n\n"
            + &switch(3, "14.000000", "S", 0);
        let around = Around {
            pids: Vec::new(),
            blocked: vec![stack(2), stack(3), stack(4), stack(5)],
            window_us: 4_000_000,
        };
        let off = read_offcpu(text.as_bytes(), &around).unwrap();
        assert_eq!(off.span_us, 4_000_000);
        assert_eq!(
            collapsed(&off.waiting),
            "thread (3): py;futex_wait_[k] 500000\n"
        );
        assert_eq!(
            collapsed(&off.throughout),
            "thread (2): py;main (l.so);wait (l.so) 3000000\n\
            thread (4): py;futex_wait_[k] 3000000\n\
            thread (5): py;futex_wait_[k] 4000000\n"
        );
        let silent = Around {
            blocked: vec![stack(5)],
            ..around
        };
        let off = read_offcpu(&b""[..], &silent).unwrap();
        assert_eq!(off.throughout.total(), 4_000_000);
    }
}
