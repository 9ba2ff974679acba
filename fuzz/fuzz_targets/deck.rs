//! Any text as a rate deck: no panic.
#![no_main]

libfuzzer_sys::fuzz_target!(|text: &str| {
    let _ = linesman_cdr::rating::Deck::read(text);
});
