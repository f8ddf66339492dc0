//! When a session is over.

use jiff::tz::TimeZone;
use openclaw_config::{ResetMode, ResetSettings};
use openclaw_core::{Session, SessionContext, SessionId, SessionState, Timestamp};

/// Why a session is reset.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ResetReason {
    /// The hour of the day has passed since its last message.
    Daily,
    /// It was idle for too long.
    Idle,
}

/// Whether a session is to be reset before its next input; asked when that input is accepted.
///
/// `zone` is the host's. Where daylight saving skips the hour, it comes later by what was skipped;
/// where it comes twice, the first counts.
pub fn reset_due(
    session: &Session,
    settings: &ResetSettings,
    now: Timestamp,
    zone: &TimeZone,
) -> Option<ResetReason> {
    let last = session.last_activity_at.max(session.created_at);
    let is_idle = settings.idle.is_some_and(|idle| !idle.is_zero() && now.since(last) >= idle);
    match settings.mode {
        ResetMode::Never => None,
        ResetMode::Daily if is_past_hour(last, now, settings.at_minutes, zone) => {
            Some(ResetReason::Daily)
        }
        ResetMode::Daily | ResetMode::Idle => is_idle.then_some(ResetReason::Idle),
    }
}

/// The session that takes the place of one that was reset: same key, settings and name, nothing
/// remembered.
pub fn renewed(session: &Session, id: SessionId, now: Timestamp) -> Session {
    Session {
        id,
        state: SessionState::Idle,
        // It stays the subagent that it was, with the same bounds.
        context: SessionContext {
            spawned: session.context.spawned.clone(),
            ..SessionContext::default()
        },
        last_seq: 0,
        created_at: now,
        updated_at: now,
        last_activity_at: now,
        ended_at: None,
        ..session.clone()
    }
}

/// Whether the hour came between `last` and `now`.
fn is_past_hour(last: Timestamp, now: Timestamp, at_minutes: u16, zone: &TimeZone) -> bool {
    latest_hour(now, at_minutes, zone).is_some_and(|hour| last < hour)
}

/// The latest moment not after `now` at which the clock on the wall showed these minutes.
fn latest_hour(now: Timestamp, at_minutes: u16, zone: &TimeZone) -> Option<Timestamp> {
    let (hour, minute) = (i8::try_from(at_minutes / 60).ok()?, i8::try_from(at_minutes % 60).ok()?);
    let time = jiff::civil::Time::new(hour, minute, 0, 0).ok()?;
    let today = zone.to_datetime(jiff::Timestamp::from_millisecond(now.as_millis()).ok()?).date();
    let moment = |date: jiff::civil::Date| -> Option<Timestamp> {
        let stamp = zone.to_timestamp(date.to_datetime(time)).ok()?;
        Some(Timestamp::from_millis(stamp.as_millisecond()))
    };
    let todays = moment(today)?;
    if todays <= now { Some(todays) } else { moment(today.yesterday().ok()?) }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use jiff::tz::TimeZone;
    use openclaw_config::{ResetMode, ResetSettings};
    use openclaw_core::{
        AgentId, ChannelId, ChatId, Session, SessionConfig, SessionContext, SessionId, SessionKey,
        SessionState, Timestamp, UserId,
    };

    use super::{ResetReason, renewed, reset_due};

    fn at(text: &str) -> Timestamp {
        Timestamp::parse_rfc3339(text).expect("valid")
    }

    fn session(created_at: &str, last_activity_at: &str) -> Session {
        let agent_id = AgentId::main();
        Session {
            id: SessionId::new("s1").expect("valid"),
            session_key: SessionKey::main(&agent_id),
            agent_id,
            channel_id: ChannelId::web(),
            user_id: UserId::new("u").expect("valid"),
            chat_id: ChatId::new("c").expect("valid"),
            label: Some("mine".into()),
            config: SessionConfig { model: Some("openai/gpt-5".into()), ..Default::default() },
            state: SessionState::Running,
            context: SessionContext { runs: 3, ..Default::default() },
            last_seq: 9,
            created_at: at(created_at),
            updated_at: at(created_at),
            last_activity_at: at(last_activity_at),
            ended_at: None,
        }
    }

    fn settings(mode: ResetMode, idle_minutes: u64) -> ResetSettings {
        let idle = (idle_minutes > 0).then(|| Duration::from_secs(idle_minutes * 60));
        ResetSettings { mode, at_minutes: 240, idle }
    }

    fn berlin() -> TimeZone {
        // Central European time with its changes, without a database of the host.
        TimeZone::posix("CET-1CEST,M3.5.0,M10.5.0/3").expect("valid")
    }

    #[test]
    fn a_day_ends_at_the_local_hour() {
        let daily = settings(ResetMode::Daily, 0);
        let due = |last: &str, now: &str| {
            reset_due(&session("2026-01-01T00:00:00Z", last), &daily, at(now), &berlin())
        };
        assert_eq!(due("2026-01-10T02:59:00Z", "2026-01-10T03:00:00Z"), Some(ResetReason::Daily));
        assert_eq!(due("2026-01-10T02:59:00Z", "2026-01-10T02:59:59Z"), None);
        assert_eq!(due("2026-01-10T03:00:00Z", "2026-01-11T02:59:59Z"), None);
        assert_eq!(due("2026-01-02T12:00:00Z", "2026-01-10T01:00:00Z"), Some(ResetReason::Daily));
        // In summer the same hour is an hour earlier in UTC.
        assert_eq!(due("2026-07-10T01:59:00Z", "2026-07-10T02:00:00Z"), Some(ResetReason::Daily));
    }

    #[test]
    fn an_hour_that_daylight_saving_skips_still_comes() {
        let skipped = ResetSettings { at_minutes: 150, ..settings(ResetMode::Daily, 0) };
        let due = |now: &str| {
            let session = session("2026-01-01T00:00:00Z", "2026-03-28T20:00:00Z");
            reset_due(&session, &skipped, at(now), &berlin())
        };
        assert_eq!(due("2026-03-29T00:59:59Z"), None);
        assert_eq!(due("2026-03-29T01:30:00Z"), Some(ResetReason::Daily));
    }

    #[test]
    fn idle_counts_beside_the_hour_and_never_is_never() {
        let due = |mode| {
            let session = session("2026-01-10T10:00:00Z", "2026-01-10T10:00:00Z");
            let minutes_later = |now| reset_due(&session, &settings(mode, 30), at(now), &berlin());
            (minutes_later("2026-01-10T10:29:00Z"), minutes_later("2026-01-10T10:30:00Z"))
        };
        assert_eq!(due(ResetMode::Idle), (None, Some(ResetReason::Idle)));
        assert_eq!(due(ResetMode::Daily), (None, Some(ResetReason::Idle)));
        assert_eq!(due(ResetMode::Never), (None, None));
    }

    #[test]
    fn a_renewed_session_keeps_settings_and_forgets_the_rest() {
        let old = session("2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z");
        let now = at("2026-01-03T00:00:00Z");
        let new = renewed(&old, SessionId::new("s2").expect("valid"), now);
        assert_eq!(
            new,
            Session {
                id: SessionId::new("s2").expect("valid"),
                state: SessionState::Idle,
                context: SessionContext::default(),
                last_seq: 0,
                created_at: now,
                updated_at: now,
                last_activity_at: now,
                ..old.clone()
            }
        );
        assert_eq!(new.config, old.config);
    }
}
