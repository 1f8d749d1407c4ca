//! Time off the processor, by the stack that left it.
//!
//! A thread leaves at `sched:sched_switch` and is back when the scheduler gives it a processor again, which
//! is said by another thread's `sched:sched_switch` (in recordings of the whole machine) or by
//! `PERF_RECORD_SWITCH IN` (`perf record --switch-events`). Meanwhile it first waits, until it is woken
//! (`sched:sched_wakeup`), and then only lacks a processor: the two are told apart, and a thread that was
//! preempted lacks one all the time.

use std::collections::hash_map::Entry;
use std::io::BufRead;

use rustc_hash::FxHashMap;

use super::draw::shown;
use super::error::Result;
use super::frame::Kind;
use super::model::{NodeId, ROOT, Stacks};
use super::perf::{Event, Sink, read_events};

/// What a recording of the scheduler says.
#[derive(Debug, Clone, Default)]
pub struct OffCpu {
    /// Microseconds spent waiting for something.
    pub waiting: Stacks,
    /// Microseconds spent able to run, without a processor.
    pub runnable: Stacks,
    /// How often a thread left the processor.
    pub switches: u64,
    /// Those of which the recording has no end, or no beginning.
    pub unpaired: u64,
    /// From the first event to the last, in microseconds.
    pub span_us: u64,
}

/// Read the scheduler's events; of the processes in `pids` only, or of all if there are none.
///
/// # Errors
/// The reader's.
pub fn read_offcpu<R: BufRead>(reader: R, pids: &[u32]) -> Result<OffCpu> {
    let mut pairing = Pairing {
        pids,
        ..Pairing::default()
    };
    let stacks = read_events(reader, &mut pairing)?;
    let left_over = u64::try_from(pairing.away.len()).unwrap_or(u64::MAX);
    let span_ns = pairing
        .last_ns
        .saturating_sub(pairing.first_ns.unwrap_or(pairing.last_ns));
    Ok(OffCpu {
        runnable: stacks.with_values(&pairing.runnable_ns, NS_PER_US),
        waiting: stacks.with_values(&pairing.waiting_ns, NS_PER_US),
        switches: pairing.switches,
        unpaired: pairing.unpaired + left_over,
        span_us: span_ns / NS_PER_US,
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
    waiting_ns: Vec<u64>,
    runnable_ns: Vec<u64>,
    switches: u64,
    unpaired: u64,
    first_ns: Option<u64>,
    last_ns: u64,
}

impl Sink for Pairing<'_> {
    fn event(&mut self, stacks: &mut Stacks, event: &Event, node: NodeId) {
        self.first_ns.get_or_insert(event.time_ns);
        self.last_ns = self.last_ns.max(event.time_ns);
        match event.name.as_str() {
            "sched:sched_switch" => {
                self.leave(event, before_scheduler(stacks, node));
                if let Some(next) = field(&event.detail, "next_pid") {
                    self.back(next, event.time_ns);
                }
            }
            "PERF_RECORD_SWITCH" | "PERF_RECORD_SWITCH_CPU_WIDE"
                if event.detail.starts_with("IN") =>
            {
                self.back(event.tid, event.time_ns);
            }
            "sched:sched_wakeup" | "sched:sched_wakeup_new" => {
                let away = field(&event.detail, "pid").and_then(|tid| self.away.get_mut(&tid));
                if let Some(away) = away {
                    away.woken_ns.get_or_insert(event.time_ns);
                }
            }
            _ => {}
        }
    }
}

impl Pairing<'_> {
    fn leave(&mut self, event: &Event, node: NodeId) {
        let is_wanted = self.pids.is_empty() || self.pids.contains(&event.pid);
        if !is_wanted || event.tid == 0 || node == ROOT {
            return;
        }
        self.switches += 1;
        let is_preempted =
            word(&event.detail, "prev_state").is_some_and(|state| state.starts_with('R'));
        let away = Away {
            since_ns: event.time_ns,
            woken_ns: is_preempted.then_some(event.time_ns),
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
        let off = read_offcpu(text.as_bytes(), &[]).unwrap();
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
        let off = read_offcpu(text.as_bytes(), &[]).unwrap();
        assert_eq!(off.waiting.total(), 0);
        assert_eq!(off.runnable.total(), 500);
        assert_eq!((off.switches, off.unpaired), (2, 1));
    }

    #[test]
    fn short_waits_add_up() {
        let mut text = String::new();
        for at in 0..10_u32 {
            text += &switch(2, &format!("1.0000{at}0000"), "D", 0);
            text += &format!("py 1/2 1.0000{at}0400: PERF_RECORD_SWITCH IN\n\n");
        }
        assert_eq!(
            read_offcpu(text.as_bytes(), &[]).unwrap().waiting.total(),
            4
        );
    }

    #[test]
    fn what_has_no_end_is_counted() {
        let text = switch(2, "1.000000", "S", 0)
            + &switch(2, "2.000000", "S", 0)
            + &switch(9, "3.000000", "S", 0);
        let off = read_offcpu(text.as_bytes(), &[]).unwrap();
        assert_eq!((off.switches, off.unpaired, off.waiting.total()), (3, 3, 0));
        assert_eq!(read_offcpu(text.as_bytes(), &[77]).unwrap().switches, 0);
    }
}
