//! Durations as people write them.

const UNITS: [(&str, u64); 5] =
    [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)];

/// The milliseconds of `90s`, `1h30m`, `2d`, or of a bare number, which is minutes.
pub fn parse_duration(text: &str) -> Option<u64> {
    let text = text.trim().to_ascii_lowercase();
    if let Ok(minutes) = text.parse::<u64>() {
        return minutes.checked_mul(60_000);
    }
    let mut rest = text.as_str();
    let mut total = 0_u64;
    while !rest.is_empty() {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let number: u64 = rest.get(..digits)?.parse().ok()?;
        let tail = rest.get(digits..)?;
        let letters = tail.bytes().take_while(u8::is_ascii_alphabetic).count();
        let unit = tail.get(..letters)?;
        let (_, millis) = UNITS.iter().find(|(name, _)| *name == unit)?;
        total = total.checked_add(number.checked_mul(*millis)?)?;
        rest = tail.get(letters..)?.trim_start();
    }
    (!text.is_empty()).then_some(total)
}

/// Milliseconds in the largest units that fit.
pub fn write_duration(millis: u64) -> String {
    let mut left = millis;
    let mut written = String::new();
    for (unit, size) in UNITS {
        if left >= size {
            written.push_str(&format!("{}{unit}", left / size));
            left %= size;
        }
    }
    if written.is_empty() { "0s".to_owned() } else { written }
}

#[cfg(test)]
mod tests {
    use super::{parse_duration, write_duration};

    #[test]
    fn durations_are_read() {
        for (text, millis) in [
            ("30m", 1_800_000),
            ("1h30m", 5_400_000),
            ("2d", 172_800_000),
            ("90 ", 5_400_000),
            ("1h 5s", 3_605_000),
            ("250ms", 250),
        ] {
            assert_eq!(parse_duration(text), Some(millis), "{text}");
        }
        for text in ["", "m", "1x", "-5m", "1h-", "99999999999999999d"] {
            assert_eq!(parse_duration(text), None, "{text}");
        }
    }

    #[test]
    fn what_is_written_is_read_again() {
        for millis in [1, 999, 1_000, 61_500, 5_400_000, 172_800_001, 1_000_000_000_007] {
            assert_eq!(parse_duration(&write_duration(millis)), Some(millis));
        }
        assert_eq!(write_duration(0), "0s");
    }
}
