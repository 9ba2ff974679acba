//! Sizes of memory as people write them.

/// Bytes of `512M`, `2G`, `2GiB` or a plain count; K, M, G, T are powers of 1024.
pub(super) fn bytes(text: &str) -> Result<u64, String> {
    let wrong = || format!("`{text}` is no size; write it as 512M or 2GiB");
    let digits = text.trim().trim_end_matches(|sign: char| sign.is_ascii_alphabetic());
    let unit = text.trim()[digits.len()..].to_ascii_lowercase();
    let power = match unit.as_str() {
        "" | "b" => 0,
        "k" | "kb" | "kib" => 1,
        "m" | "mb" | "mib" => 2,
        "g" | "gb" | "gib" => 3,
        "t" | "tb" | "tib" => 4,
        _ => return Err(wrong()),
    };
    let scale = 1024u64.pow(power);
    let number = digits.trim();
    if let Ok(whole) = number.parse::<u64>() {
        return whole.checked_mul(scale).ok_or_else(wrong);
    }
    let part: f64 = number.parse().map_err(|_| wrong())?;
    // Part of a unit: half a gibibyte is exact enough.
    let size = part * scale as f64;
    if size.is_finite() && (0.0..1e18).contains(&size) { Ok(size as u64) } else { Err(wrong()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_as_people_write_them() {
        for (text, size) in [
            ("1024", 1024),
            ("512M", 512 << 20),
            ("2G", 2 << 30),
            ("2GiB", 2 << 30),
            ("1.5g", 3 << 29),
            ("64 kB", 65_536),
        ] {
            assert_eq!(bytes(text), Ok(size), "{text}");
        }
        for wrong in ["", "G", "2X", "-1G", "NaN", "inf", "99999999999T", "1e300G", "２G"] {
            assert!(bytes(wrong).is_err(), "{wrong}");
        }
    }
}
