#![no_main]

use std::{env, process};

// A file of its own for each process; it is gone after each input.
libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let scratch = env::temp_dir().join(format!("hotlap-fuzz-{}", process::id()));
    hotlap_engine::swarm::fuzzed::table(data, &scratch);
});
