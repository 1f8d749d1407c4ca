//! Whatever the text of `perf script` holds: reading it never crashes, and time off the processor never exceeds
//! what the recording spans.

#![no_main]

use hotlap_engine::stacks::{Clean, clean, read_offcpu, read_perf};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let stacks = read_perf(data).expect("memory can be read");
    let cleaned = clean(
        &stacks,
        &Clean {
            drop_waiting: false,
            ..Clean::default()
        },
    );
    assert_eq!(cleaned.total(), stacks.total());

    let off = read_offcpu(data, &[]).expect("memory can be read");
    assert!(off.unpaired <= off.switches);
    clean(&off.waiting, &Clean::default());
    clean(&off.runnable, &Clean::default());
});
