//! Any bytes as an RTCP compound, and RTCP as JSON: no panic, no more packets than fit.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| linesman_media::fuzz::fuzz_rtcp(data));
