//! From the packets of one stream to counts, jitter, bursts and scores.
