//! Any bytes as HEP packets, alone, in a connection and through the engine: no panic.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| linesman_media::fuzz::fuzz_hep(data));
