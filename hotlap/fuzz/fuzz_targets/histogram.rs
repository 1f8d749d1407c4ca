#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| hotlap_engine::swarm::fuzzed::histogram(data));
