//! The house's own rules, read from the source: which room may know which, how long a file may be.
//!
//! Cargo keeps `probes` apart by itself; within the main package this test does. Test modules are
//! free: they fake the edge.

#[cfg(test)]
mod arrows;
#[cfg(test)]
mod files;
#[cfg(test)]
mod readme;
#[cfg(test)]
mod rules;
#[cfg(test)]
mod source;
#[cfg(test)]
mod subjects;
