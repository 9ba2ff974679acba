//! Any bytes as the rows of a CDR file: no panic, no line lost, pieces give what the whole gives.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| linesman_cdr::format::fuzz_rows(data));
