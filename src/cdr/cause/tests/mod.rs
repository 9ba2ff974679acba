//! Calls with known deviations go in; kind, side, selector, count and money must come out.

mod alone;
mod generated;
mod together;
mod world;
