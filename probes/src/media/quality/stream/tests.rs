//! Streams through the engine.
