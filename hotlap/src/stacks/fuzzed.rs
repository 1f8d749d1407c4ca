//! What holds of the readers of stacks, whatever they are given. Fuzzing calls it (`hotlap/fuzz`), and so do the tests.

use super::clean::{Clean, clean};
use super::model::{Stacks, diff};
use super::read::{Around, Weight, is_perf, read_collapsed, read_offcpu, read_perf};
use super::write::{Labels, svg, write_pprof, write_speedscope};

/// A file of collapsed stacks: reading, cleaning, drawing and writing never crash, and no value is lost or made up.
pub fn collapsed(data: &[u8]) {
    let stacks = read_collapsed(data).expect("memory can be read");
    let cleaned = clean(&stacks, &Clean::default());
    assert_eq!(cleaned.total() + cleaned.waiting, stacks.total());
    assert!(cleaned.total() == cleaned.totals()[0]);

    let mut written = Vec::new();
    cleaned
        .write_collapsed(&mut written)
        .expect("memory can be written");
    let again = read_collapsed(&written[..]).expect("memory can be read");
    // Counts that have fractions are kept in parts; where none is left, whole ones are written.
    let in_parts =
        |stacks: &Stacks, other: &Stacks| u128::from(stacks.total()) * u128::from(other.parts);
    assert_eq!(in_parts(&again, &cleaned), in_parts(&cleaned, &again));
    assert_eq!(again.skipped.total(), 0);

    let drawn = svg(&cleaned, &Labels::default());
    assert_eq!(drawn.is_ok(), !cleaned.is_empty());
    if let Ok(diff) = diff(&stacks, &cleaned, None, ("a", "b")) {
        diff.svg(&Labels::default()).expect("there are samples");
    }
    write_speedscope(&cleaned, "fuzz", "samples", Vec::new()).expect("memory can be written");
    write_pprof(&cleaned, "fuzz", "samples", Vec::new()).expect("memory can be written");
}

/// The text of `perf script`: reading it never crashes, and time off the processor never exceeds what the recording spans.
pub fn perf(data: &[u8]) {
    let _ = is_perf(data);
    let stacks = read_perf(data, Weight::Period, None).expect("memory can be read");
    let cleaned = clean(
        &stacks,
        &Clean {
            drop_waiting: false,
            ..Clean::default()
        },
    );
    assert_eq!(cleaned.total(), stacks.total());

    let around = Around {
        pids: Vec::new(),
        blocked: vec![(7, vec!["thread (7): t".to_owned()])],
        window_us: data.first().map_or(0, |&byte| u64::MAX >> (byte & 63)),
    };
    let off = read_offcpu(data, &around).expect("memory can be read");
    assert!(off.unpaired <= off.switches);
    let _ = clean(&off.waiting, &Clean::default());
    let _ = clean(&off.runnable, &Clean::default());
    let _ = clean(&off.throughout, &Clean::default());
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::broken::each;

    #[test]
    fn broken_stacks_are_read() {
        let samples: [&[u8]; 3] = [
            include_bytes!("../../tests/stacks/pyspy_asgi.txt"),
            include_bytes!("../../tests/stacks/pyspy_service.txt"),
            b"a;b 1\na;b;c 2.5\nc 7 9\n\n;;; 3\nx -1\nlast 18446744073709551615\n",
        ];
        each(&samples, 400, collapsed);
    }

    #[test]
    fn broken_perf_scripts_are_read() {
        let samples: [&[u8]; 4] = [
            include_bytes!("../../tests/stacks/perf_oncpu.txt"),
            include_bytes!("../../tests/stacks/perf_python312.txt"),
            include_bytes!("../../tests/stacks/perf_sched.txt"),
            b"a 1/2 [000] 1.5: 250000 cycles:\n\t1f main+0x1 (a)\n\nb 3 4.0: cpu-clock: 1f f (b)\n",
        ];
        each(&samples, 400, perf);
    }
}
