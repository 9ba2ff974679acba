//! Any bytes as a CDR file of unknown look: a layout or a question, no panic; what is found can be read.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| linesman_cdr::format::fuzz_detect(data));
