//! From the bytes of a capture to packets, calls and who belongs to whom.
