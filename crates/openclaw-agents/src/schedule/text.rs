//! Moments as people write them.

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use openclaw_core::{Timestamp, parse_duration};

/// A moment: RFC 3339, a date and time without a zone, which are those of `local`, or how long
/// from now, such as `20m` or `+2h`.
pub fn parse_moment(text: &str, now: Timestamp, local: &TimeZone) -> Option<Timestamp> {
    let text = text.trim();
    if let Some(moment) = Timestamp::parse_rfc3339(text) {
        return Some(moment);
    }
    if let Some(millis) = parse_duration(text.strip_prefix('+').unwrap_or(text))
        && text.bytes().any(|byte| byte.is_ascii_alphabetic())
    {
        return Some(now.plus(std::time::Duration::from_millis(millis)));
    }
    if let Ok(moment) = text.parse::<jiff::Timestamp>() {
        return Some(Timestamp::from_millis(moment.as_millisecond()));
    }
    let shown: DateTime = text.parse().ok()?;
    let at = local.to_timestamp(shown).ok()?;
    Some(Timestamp::from_millis(at.as_millisecond()))
}

#[cfg(test)]
mod tests {
    use super::parse_moment;
    use jiff::tz::TimeZone;
    use openclaw_core::Timestamp;

    #[test]
    fn moments_are_read() {
        let now = Timestamp::parse_rfc3339("2026-03-01T10:00:00Z").expect("valid");
        let berlin = TimeZone::get("Europe/Berlin").expect("known");
        let read = |text: &str| parse_moment(text, now, &berlin).map(|at| at.to_string());
        for (text, moment) in [
            ("2026-03-02T08:00:00+01:00", "2026-03-02T07:00:00.000Z"),
            ("2026-03-02T08:00:00", "2026-03-02T07:00:00.000Z"),
            ("2026-03-02 08:00", "2026-03-02T07:00:00.000Z"),
            ("2026-07-02", "2026-07-01T22:00:00.000Z"),
            ("+20m", "2026-03-01T10:20:00.000Z"),
            ("1d", "2026-03-02T10:00:00.000Z"),
        ] {
            assert_eq!(read(text).as_deref(), Some(moment), "{text}");
        }
        for text in ["", "soon", "25", "2026-13-01"] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
