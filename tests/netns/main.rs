//! placeholder
#[cfg(test)]
#[path = "../support/mod.rs"]
mod support;
