//! Values that cannot be meant: addresses nobody answers from, times that overlap.

use std::net::{IpAddr, SocketAddr};
use std::ops::RangeInclusive;
use std::time::Duration;

use super::declare::ProbeDefaults;

/// Shortest and longest time from round to round.
pub(super) const INTERVAL: RangeInclusive<Duration> =
    Duration::from_millis(200)..=Duration::from_secs(86_400);
/// Shortest and longest wait for an answer.
pub(super) const TIMEOUT: RangeInclusive<Duration> = Duration::from_millis(10)..=Duration::from_secs(60);
/// Fewest and most requests a round.
pub(super) const COUNT: RangeInclusive<u32> = 1..=1000;

/// Why nothing can be measured at an address.
pub(super) fn address(address: IpAddr) -> Option<String> {
    let canonical = address.to_canonical();
    let why = match canonical {
        _ if canonical.is_unspecified() => "is no host's address",
        _ if canonical.is_multicast() => "is a multicast group, not one host",
        IpAddr::V4(v4) if v4.is_broadcast() => "is the broadcast address, not one host",
        IpAddr::V6(v6) if v6.is_unicast_link_local() => "is link-local: it says nothing without an interface",
        _ => return None,
    };
    Some(format!("{address} {why}; state the address of one host"))
}

/// Why nothing can be measured at an address and port.
pub(super) fn socket(socket: SocketAddr) -> Option<String> {
    if socket.port() == 0 {
        return Some(format!("{socket}: port 0 is no port; state one from 1 to 65535"));
    }
    address(socket.ip())
}

/// Why a URL cannot be fetched.
pub(super) fn url(url: &str) -> Option<String> {
    let rest = url.strip_prefix("http://").or_else(|| url.strip_prefix("https://"));
    let host = rest.map(|rest| rest.split(['/', '?', '#']).next().unwrap_or_default());
    let fine = host.is_some_and(|host| !host.is_empty() && !host.starts_with(':'));
    if !fine {
        return Some(format!("`{}` is no URL; write http://HOST/ or https://HOST/", url.escape_debug()));
    }
    if host.is_some_and(|host| host.contains('@')) {
        return Some(
            "a URL must not hold a user or password; they would be shown with every target".to_owned(),
        );
    }
    let stray = url.chars().any(|c| c.is_whitespace() || c.is_control());
    (stray || url.len() > 2048).then(|| "a URL holds no blanks and at most 2048 bytes".to_owned())
}

/// Why a name cannot be asked of a DNS server (RFC 1035 section 2.3.4).
pub(super) fn dns_name(name: &str) -> Option<String> {
    let trimmed = name.strip_suffix('.').unwrap_or(name);
    let labels_fit = name == "." || trimmed.split('.').all(|label| (1..=63).contains(&label.len()));
    let characters_fit = name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_'));
    let fits = labels_fit && characters_fit && !name.is_empty() && name.len() <= 254;
    (!fits).then(|| format!("`{}` is no DNS name; write one as example.net", name.escape_debug()))
}

/// Why an address of record cannot be asked for (RFC 3261 section 10).
pub(super) fn aor(aor: &str) -> Option<String> {
    let rest = aor.strip_prefix("sip:").or_else(|| aor.strip_prefix("sips:"));
    let parts = rest.and_then(|rest| rest.split_once('@'));
    let clean =
        aor.chars().all(|c| c.is_ascii_graphic() && !matches!(c, '<' | '>' | '"')) && aor.len() <= 256;
    let fine = clean
        && parts.is_some_and(|(user, host)| !user.is_empty() && !host.is_empty() && !host.contains('@'));
    (!fine).then(|| {
        format!("`{}` is no address of record; write one as sip:1001@example.net", aor.escape_debug())
    })
}

/// What is wrong with the times and the count of a target, by field.
pub(super) fn pace(pace: &ProbeDefaults) -> Vec<(&'static str, String)> {
    let mut objections = Vec::new();
    if !INTERVAL.contains(&pace.interval) {
        objections.push(("interval", outside(pace.interval, &INTERVAL)));
    }
    if !TIMEOUT.contains(&pace.timeout) {
        objections.push(("timeout", outside(pace.timeout, &TIMEOUT)));
    }
    if objections.is_empty() && pace.timeout > pace.interval {
        let (timeout, interval) = (pace.timeout, pace.interval);
        objections.push((
            "timeout",
            format!("timeout {timeout:?} is longer than the interval {interval:?}: rounds would overlap; shorten it"),
        ));
    }
    if !COUNT.contains(&pace.icmp_count) {
        objections
            .push(("count", format!("{} is outside {} to {}", pace.icmp_count, COUNT.start(), COUNT.end())));
    }
    objections
}

fn outside(value: Duration, range: &RangeInclusive<Duration>) -> String {
    format!("{value:?} is outside {:?} to {:?}", range.start(), range.end())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_from_which_nobody_answers_are_refused() {
        for bad in ["0.0.0.0", "255.255.255.255", "224.0.0.1", "::", "ff02::1", "::ffff:224.0.0.1", "fe80::1"]
        {
            assert!(address(bad.parse().expect("an address")).is_some(), "{bad}");
        }
        for good in ["10.0.0.255", "127.0.0.1", "2001:db8::1", "::1"] {
            assert_eq!(address(good.parse().expect("an address")), None, "{good}");
        }
    }

    #[test]
    fn urls_names_and_addresses_of_record_are_held_to_their_form() {
        assert!(url("ftp://x").is_some() && url("http://").is_some() && url("http://u:p@h/").is_some());
        assert_eq!(url("https://billing.example.net/health"), None);
        assert!(dns_name("").is_some() && dns_name("a..b").is_some() && dns_name("a b").is_some());
        assert_eq!((dns_name("."), dns_name("example.net.")), (None, None));
        assert!(aor("1001@x").is_some() && aor("sip:@x").is_some() && aor("sip:1\r\n@x").is_some());
        assert_eq!(aor("sip:1001@example.net"), None);
    }
}
