//! Whatever a file of collapsed stacks holds: reading, cleaning, drawing and writing never crash, and no value
//! is lost or made up.

#![no_main]

use hotlap_engine::stacks::{
    Clean, Labels, clean, diff, read_collapsed, svg, write_pprof, write_speedscope,
};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let stacks = read_collapsed(data).expect("memory can be read");
    let cleaned = clean(&stacks, &Clean::default());
    assert_eq!(cleaned.total() + cleaned.waiting, stacks.total());
    assert!(cleaned.total() == cleaned.totals()[0]);

    let mut written = Vec::new();
    cleaned
        .write_collapsed(&mut written)
        .expect("memory can be written");
    let again = read_collapsed(&written[..]).expect("memory can be read");
    assert_eq!((again.total(), again.skipped.total()), (cleaned.total(), 0));

    let drawn = svg(&cleaned, &Labels::default());
    assert_eq!(drawn.is_ok(), !cleaned.is_empty());
    if let Ok(diff) = diff(&stacks, &cleaned, None, ("a", "b")) {
        diff.svg(&Labels::default()).expect("there are samples");
    }
    write_speedscope(&cleaned, "fuzz", "samples", Vec::new()).expect("memory can be written");
    write_pprof(&cleaned, "fuzz", "samples", Vec::new()).expect("memory can be written");
});
