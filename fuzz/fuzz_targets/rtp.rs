//! Any bytes as an RTP packet: no panic, no more payload than bytes.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| linesman_media::fuzz::fuzz_rtp(data));
