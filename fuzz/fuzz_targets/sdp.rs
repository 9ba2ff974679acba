//! Any bytes as a session description or the body of a call report: no panic.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| linesman_media::fuzz::fuzz_sdp(data));
