//! Pairs of files whose truth is known, from a seed.
