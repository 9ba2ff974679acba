//! What others send us instead of a wire to listen on: reports, and packets within packets.
//!
//! [`hep`] reads what capture agents and media servers send (HEP3), [`rtcp_json`] the RTCP reports in it, [`vq`] what
//! telephones publish about their own calls (RFC 6035), [`tunnel`] mirrored packets (VXLAN, TZSP). Everything is
//! total and bounded. What an endpoint says stays its word: it is never added to what was measured.
//! Deliberately absent: sockets, HEP versions 1 and 2, authentication (HEP has none worth the name).

pub mod hep;
pub mod rtcp_json;
#[cfg(test)]
mod tests;
pub mod tunnel;
pub mod vq;
