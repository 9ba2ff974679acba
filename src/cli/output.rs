//! What a command says: its result on standard output, everything else on standard error.
//!
//! A reader that goes away (`| head`) is no error.

use std::io::{self, Write};

use serde::Serialize;

fn forgiving(written: io::Result<()>) -> anyhow::Result<()> {
    match written {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(()),
    }
}

/// Writes bytes of the result as they are.
///
/// # Errors
/// When standard output cannot be written.
pub fn raw(bytes: &[u8]) -> anyhow::Result<()> {
    let mut out = io::stdout().lock();
    forgiving(out.write_all(bytes).and_then(|()| out.flush()))
}

/// Writes a line of the result.
///
/// # Errors
/// When standard output cannot be written.
pub fn line(text: impl AsRef<str>) -> anyhow::Result<()> {
    raw(format!("{}\n", text.as_ref()).as_bytes())
}

/// Writes the result as one JSON document.
///
/// # Errors
/// When standard output cannot be written.
pub fn json(value: &impl Serialize) -> anyhow::Result<()> {
    line(serde_json::to_string_pretty(value)?)
}

/// Says something beside the result. Nobody is left to tell when this fails.
pub fn note(text: impl AsRef<str>) {
    let _ = writeln!(io::stderr().lock(), "{}", text.as_ref());
}
