//! Any bytes as a capture file through the whole engine: no panic, unique plus lost is what was due.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| linesman_media::fuzz::fuzz_capture(data));
