//! Whatever the text of `perf script` holds: reading it never crashes, and time off the processor never exceeds
//! what the recording spans.

#![no_main]

use hotlap_engine::stacks::{Around, Clean, Weight, clean, read_offcpu, read_perf};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
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
});
