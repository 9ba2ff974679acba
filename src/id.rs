//! Identities: sortable by time, made of a time and random bits that are handed in.

use chrono::{DateTime, Utc};

/// A UUID of version 7 (RFC 9562 section 5.7): milliseconds, then random bits.
#[must_use]
pub fn uuid_v7(at: DateTime<Utc>, random: [u8; 10]) -> String {
    let millis = u64::try_from(at.timestamp_millis()).unwrap_or(0);
    let mut bytes = [0_u8; 16];
    bytes[..6].copy_from_slice(&millis.to_be_bytes()[2..]);
    bytes[6..].copy_from_slice(&random);
    bytes[6] = (bytes[6] & 0x0f) | 0x70;
    bytes[8] = (bytes[8] & 0x3f) | 0x80;
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
}

/// Random bytes of the operating system, fit for secrets.
///
/// # Errors
/// When the operating system has none.
pub fn os_random<const N: usize>() -> Result<[u8; N], getrandom::Error> {
    let mut bytes = [0_u8; N];
    getrandom::fill(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;

    #[test]
    fn an_identity_has_the_form_of_a_uuid_of_version_7() {
        let at = DateTime::from_timestamp_millis(0x0123_4567_89ab).unwrap();
        assert_eq!(uuid_v7(at, [0xff; 10]), "01234567-89ab-7fff-bfff-ffffffffffff");
        assert_eq!(uuid_v7(at, [0; 10]), "01234567-89ab-7000-8000-000000000000");
    }

    #[test]
    fn later_identities_sort_after_earlier_ones_whatever_their_random_bits() {
        let at = DateTime::from_timestamp_millis(1_790_000_000_000).unwrap();
        assert!(uuid_v7(at, [0xff; 10]) < uuid_v7(at + TimeDelta::milliseconds(1), [0; 10]));
    }

    #[test]
    fn the_operating_system_gives_different_bytes_each_time() {
        assert_ne!(os_random::<32>().unwrap(), os_random::<32>().unwrap());
    }
}
