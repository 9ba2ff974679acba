//! Any bytes as a SIP message, alone and in a flow, and the answer to it: no panic.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| linesman_media::fuzz::fuzz_sip(data));
