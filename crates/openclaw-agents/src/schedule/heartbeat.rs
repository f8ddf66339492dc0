//! Heartbeats: when one is due, whether it has anything to look at, and what its answer means.

use std::time::Duration;

use jiff::tz::TimeZone;
use openclaw_config::{ActiveHours, HeartbeatSettings};
use openclaw_core::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// What the model says when there is nothing to tell.
pub const HEARTBEAT_OK: &str = "HEARTBEAT_OK";
const SILENCE: &str = "NO_REPLY";
/// The same alert is not said again for so long.
const SAME_ALERT: Duration = Duration::from_secs(24 * 60 * 60);

/// What an agent's last heartbeats came to.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct HeartbeatStanding {
    /// The last alert, as a digest.
    pub alert: Option<String>,
    /// When it was said.
    pub alerted_at: Option<Timestamp>,
    /// How many failed since the last that did not.
    pub failures: u32,
    /// Not before this moment: the last ones failed.
    pub not_before: Option<Timestamp>,
}

/// What the answer of a heartbeat means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Alert {
    /// Nothing is to be said.
    Quiet,
    /// It was said within a day.
    Repeated,
    /// This is to be said.
    Say(String),
}

/// The beginning of the beat that a moment is in.
pub fn slot_of(now: Timestamp, every: Duration) -> Timestamp {
    let every = i64::try_from(every.as_millis()).unwrap_or(i64::MAX).max(1);
    Timestamp::from_millis(now.as_millis().div_euclid(every) * every)
}

/// The beginning of the next beat.
pub fn next_beat(now: Timestamp, every: Duration) -> Timestamp {
    slot_of(now, every).plus(every)
}

/// Whether a HEARTBEAT.md holds nothing to look at: headings, rules, comments, empty items.
pub fn is_effectively_empty(text: &str) -> bool {
    let mut is_comment = false;
    text.lines().all(|line| {
        let line = line.trim();
        if is_comment || line.starts_with("<!--") {
            is_comment = !line.contains("-->");
            return true;
        }
        let is_heading = line.starts_with('#');
        let is_rule = !line.is_empty() && line.chars().all(|c| "-=*_`~ ".contains(c));
        let item = line.trim_start_matches(['-', '*', '+']).trim_start();
        let item = ["[ ]", "[x]", "[X]"].iter().find_map(|b| item.strip_prefix(b)).unwrap_or(item);
        line.is_empty() || is_heading || is_rule || item.trim().is_empty()
    })
}

/// Whether heartbeats may run at this moment. Hours may go over midnight; a beginning that is the
/// end is the whole day.
pub fn is_within(hours: Option<&ActiveHours>, now: Timestamp, local: &TimeZone) -> bool {
    let Some(hours) = hours else { return true };
    let own = hours.time_zone.as_deref().and_then(|name| TimeZone::get(name).ok());
    let zone = own.as_ref().unwrap_or(local);
    let Ok(moment) = jiff::Timestamp::from_millisecond(now.as_millis()) else { return true };
    let shown = zone.to_datetime(moment);
    let minutes =
        u16::from(shown.hour().unsigned_abs()) * 60 + u16::from(shown.minute().unsigned_abs());
    let (start, end) = (hours.start_minutes, hours.end_minutes);
    match start.cmp(&end) {
        std::cmp::Ordering::Equal => true,
        std::cmp::Ordering::Less => (start..end).contains(&minutes),
        std::cmp::Ordering::Greater => minutes >= start || minutes < end,
    }
}

/// What the answer means, given what was said before; notes what will be said.
pub fn judge_alert(
    reply: &str,
    settings: &HeartbeatSettings,
    standing: &mut HeartbeatStanding,
    now: Timestamp,
) -> Alert {
    let reply = reply.trim();
    if reply.is_empty() || reply == SILENCE {
        return Alert::Quiet;
    }
    let mut rest = reply;
    let mut is_acknowledged = false;
    // The word may stand in emphasis, and have a point after it.
    let edge = |c: char| c.is_whitespace() || "*_`.!".contains(c);
    loop {
        let bare = rest.trim_matches(edge);
        let cut = bare.strip_prefix(HEARTBEAT_OK).or_else(|| bare.strip_suffix(HEARTBEAT_OK));
        let Some(cut) = cut else { break };
        (rest, is_acknowledged) = (cut, true);
    }
    let rest = if is_acknowledged { rest.trim() } else { reply };
    let is_short = rest.chars().count() <= settings.ack_max_chars as usize;
    if is_acknowledged && (is_short || rest.trim_matches(edge).is_empty()) {
        return Alert::Quiet;
    }
    let digest = hex::encode(Sha256::digest(rest.as_bytes()));
    let is_same = standing.alert.as_ref() == Some(&digest);
    if is_same && standing.alerted_at.is_some_and(|at| now.since(at) < SAME_ALERT) {
        return Alert::Repeated;
    }
    standing.alert = Some(digest);
    standing.alerted_at = Some(now);
    Alert::Say(rest.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_lines_that_say_something_count() {
        for text in [
            "",
            "# HEARTBEAT.md\n\n## Tasks\n",
            "- \n* [ ]\n- [x] \n---\n",
            "<!-- keep\nthis file --> \n# Title",
        ] {
            assert!(is_effectively_empty(text), "{text:?}");
        }
        for text in ["check the mail", "# T\n- [ ] call Ann", "<!-- a -->\nx"] {
            assert!(!is_effectively_empty(text), "{text:?}");
        }
    }

    #[test]
    fn hours_may_go_over_midnight() {
        let hours = |start: u16, end: u16| ActiveHours {
            start_minutes: start * 60,
            end_minutes: end * 60,
            time_zone: Some("Europe/Berlin".to_owned()),
        };
        let at = |text: &str| Timestamp::parse_rfc3339(text).expect("valid");
        // 22:30 in Berlin.
        let late = at("2026-01-10T21:30:00Z");
        assert!(!is_within(Some(&hours(8, 22)), late, &TimeZone::UTC));
        assert!(is_within(Some(&hours(22, 8)), late, &TimeZone::UTC));
        assert!(is_within(Some(&hours(9, 9)), late, &TimeZone::UTC));
        assert!(!is_within(Some(&hours(22, 8)), at("2026-01-10T07:00:00Z"), &TimeZone::UTC));
        assert!(is_within(None, late, &TimeZone::UTC));
    }

    #[test]
    fn an_acknowledgement_is_quiet_and_an_alert_is_said_once_a_day() {
        let settings = HeartbeatSettings { ack_max_chars: 20, ..HeartbeatSettings::default() };
        let mut standing = HeartbeatStanding::default();
        let now = Timestamp::from_millis(1_000_000);
        let mut judge =
            |reply: &str, now: Timestamp| judge_alert(reply, &settings, &mut standing, now);
        for quiet in
            ["", "HEARTBEAT_OK", "**HEARTBEAT_OK**.", "NO_REPLY", "HEARTBEAT_OK\nall is well"]
        {
            assert_eq!(judge(quiet, now), Alert::Quiet, "{quiet:?}");
        }
        let long = "HEARTBEAT_OK but the backup of last night did not run";
        let said = "but the backup of last night did not run".to_owned();
        assert_eq!(judge(long, now), Alert::Say(said.clone()));
        assert_eq!(judge(&said, now), Alert::Repeated);
        assert_eq!(judge("the mail is full", now), Alert::Say("the mail is full".to_owned()));
        let tomorrow = now.plus(SAME_ALERT);
        assert_eq!(judge("the mail is full", tomorrow), Alert::Say("the mail is full".to_owned()));
    }

    #[test]
    fn beats_are_counted_from_one_moment_for_all() {
        let every = Duration::from_secs(1_800);
        let now = Timestamp::parse_rfc3339("2026-01-10T21:40:00Z").expect("valid");
        assert_eq!(slot_of(now, every).to_string(), "2026-01-10T21:30:00.000Z");
        assert_eq!(next_beat(now, every).to_string(), "2026-01-10T22:00:00.000Z");
        assert_eq!(next_beat(next_beat(now, every), every).to_string(), "2026-01-10T22:30:00.000Z");
    }
}
