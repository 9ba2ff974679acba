//! What counts as a good round, the same for `/metrics` and `/probe`.

use linesman_probes::observation::{Detail, Impediment, Measured, Outcome};
use linesman_probes::probe::ProbeKind;

/// Whether a round was good; `None` when we could not measure.
///
/// HTTP: 2xx and 3xx. DNS: `NOERROR`. SIP OPTIONS: any answer but 408, 480 and 5xx (403 or 405
/// comes from a peer that lives). A registration: 2xx. A test call: set up, with voice agreed.
#[must_use]
pub fn succeeded(kind: ProbeKind, measured: &Measured) -> Option<bool> {
    match measured.outcome {
        Outcome::Unmeasured => None,
        Outcome::Silent | Outcome::Refused => Some(false),
        Outcome::Answered => Some(match &measured.detail {
            Detail::None | Detail::Host(_) | Detail::Rtp { .. } => true,
            Detail::Http { status, .. } => (200..400).contains(status),
            Detail::Dns { rcode, .. } => rcode == "NOERROR",
            // A call that was set up and lost nobody knows what is answered; how its voice was is judged elsewhere.
            Detail::Call(call) => matches!(call.ended.as_str(), "completed" | "far_hung_up"),
            Detail::Sip { code, .. } if kind == ProbeKind::Registration => (200..300).contains(code),
            Detail::Sip { code, .. } => (200..500).contains(code) && !matches!(code, 408 | 480),
        }),
    }
}

/// The reason why we could not measure, as a label: bounded.
#[must_use]
pub const fn reason(impediment: &Impediment) -> &'static str {
    match impediment {
        Impediment::NoPermission { .. } => "no_permission",
        Impediment::NoRoute => "no_route",
        Impediment::InterfaceDown { .. } => "interface_down",
        Impediment::ClockStepped { .. } => "clock_stepped",
        Impediment::SocketDrops { .. } => "socket_drops",
        Impediment::Shed => "shed",
        Impediment::Unresolved { .. } => "unresolved",
        Impediment::Local { .. } => "local",
    }
}

/// Class of a status code, as `2xx`.
#[must_use]
pub const fn code_class(code: u16) -> &'static str {
    match code / 100 {
        1 => "1xx",
        2 => "2xx",
        3 => "3xx",
        4 => "4xx",
        5 => "5xx",
        6 => "6xx",
        _ => "other",
    }
}

/// All classes that [`code_class`] may name.
pub(super) const CODE_CLASSES: [&str; 7] = ["1xx", "2xx", "3xx", "4xx", "5xx", "6xx", "other"];

#[cfg(test)]
mod tests {
    use linesman_probes::observation::Burst;

    use super::*;

    fn sip(code: u16) -> Measured {
        Measured {
            outcome: Outcome::Answered,
            impediment: None,
            burst: Burst { sent: 1, received: 1, ..Burst::default() },
            detail: Detail::Sip { code, reason: String::new() },
        }
    }

    #[test]
    fn a_peer_that_refuses_options_lives_but_an_unknown_subscriber_is_not_registered() {
        assert_eq!(succeeded(ProbeKind::Sip, &sip(405)), Some(true));
        assert_eq!(succeeded(ProbeKind::Sip, &sip(503)), Some(false));
        assert_eq!(succeeded(ProbeKind::Registration, &sip(404)), Some(false));
        assert_eq!(succeeded(ProbeKind::Registration, &sip(200)), Some(true));
    }

    #[test]
    fn what_we_could_not_measure_is_neither_good_nor_bad() {
        assert_eq!(succeeded(ProbeKind::Icmp, &Measured::unmeasured(Impediment::NoRoute)), None);
    }
}
