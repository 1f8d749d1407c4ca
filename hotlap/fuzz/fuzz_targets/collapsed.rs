#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| hotlap_engine::stacks::fuzzed::collapsed(data));
