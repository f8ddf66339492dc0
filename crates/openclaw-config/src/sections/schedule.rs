use std::time::Duration;

use openclaw_core::parse_duration;

use super::session::read_clock_time;
use crate::{ActiveHours, CronSettings, HeartbeatSession, HeartbeatSettings, TableReader};

const SESSIONS: [(&str, HeartbeatSession); 2] =
    [("isolated", HeartbeatSession::Isolated), ("main", HeartbeatSession::Main)];

const MINUTE: u64 = 60 * 1_000;

pub(super) fn read_cron(reader: &mut TableReader<'_>) -> CronSettings {
    let enabled = reader
        .boolean(
            "enabled",
            "Whether jobs run by themselves; they can be made and run by hand all the same.",
        )
        .default(true);
    let max_concurrent_runs =
        reader.integer("max_concurrent_runs", "Runs of jobs at work at once.", 1..=64).default(2);
    let hours: u64 = reader
        .integer(
            "session_retention_hours",
            "How long the session of a run is kept; 0 is as long as any other session.",
            0..=87_600,
        )
        .default(24);
    let failure_alerts = reader
        .boolean("failure_alerts", "Whether the owner is told when a job begins to fail.")
        .default(true);
    let webhook_token =
        reader.secret("webhook_token", "What webhooks of jobs are sent as a bearer token.");
    let session_retention = (hours > 0).then(|| Duration::from_secs(hours * 60 * 60));
    CronSettings { enabled, max_concurrent_runs, session_retention, failure_alerts, webhook_token }
}

/// What `[agents.heartbeat]` and the one of an agent say; `None` takes the one above.
#[derive(Default)]
pub(crate) struct HeartbeatFields {
    every: Option<Duration>,
    prompt: Option<String>,
    target: Option<String>,
    to: Option<String>,
    active_hours: Option<ActiveHours>,
    ack_max_chars: Option<u32>,
    model: Option<String>,
    session: Option<HeartbeatSession>,
}

impl HeartbeatFields {
    /// The settings of an agent; `None` where it has no heartbeats.
    pub(crate) fn merge(own: Option<&Self>, shared: Option<&Self>) -> Option<HeartbeatSettings> {
        fn given<T: Clone>(
            own: Option<&HeartbeatFields>,
            shared: Option<&HeartbeatFields>,
            get: impl Fn(&HeartbeatFields) -> &Option<T>,
        ) -> Option<T> {
            own.and_then(|own| get(own).clone()).or_else(|| get(shared?).clone())
        }
        let every = given(own, shared, |fields| &fields.every)?;
        let usual = HeartbeatSettings::default();
        (!every.is_zero()).then(|| HeartbeatSettings {
            every,
            prompt: given(own, shared, |fields| &fields.prompt).unwrap_or(usual.prompt),
            target: given(own, shared, |fields| &fields.target).unwrap_or(usual.target),
            to: given(own, shared, |fields| &fields.to),
            active_hours: given(own, shared, |fields| &fields.active_hours),
            ack_max_chars: given(own, shared, |fields| &fields.ack_max_chars)
                .unwrap_or(usual.ack_max_chars),
            model: given(own, shared, |fields| &fields.model),
            session: given(own, shared, |fields| &fields.session).unwrap_or(usual.session),
        })
    }
}

pub(super) fn read_heartbeat(reader: &mut TableReader<'_>) -> HeartbeatFields {
    HeartbeatFields {
        every: reader
            .string("every", "How far heartbeats are apart, such as \"30m\"; \"0m\" is off.")
            .parse(|text| read_pause(&text))
            .optional(),
        prompt: reader.string("prompt", "What the model is asked.").optional(),
        target: reader
            .string("target", "Where alerts go: \"last\" is where the owner was last, \"none\", or a channel.")
            .optional(),
        to: reader.id("to", "The chat that alerts go to.").optional(),
        active_hours: reader.optional_table(
            "active_hours",
            "When heartbeats may run; over midnight where the end comes before the start.",
            read_hours,
        ),
        ack_max_chars: reader
            .integer("ack_max_chars", "An answer with HEARTBEAT_OK and at most so many characters besides is not sent. 300 unless set.", 0..=100_000)
            .optional(),
        model: reader.string("model", "The model, provider/model; else the agent's.").optional(),
        session: reader
            .choice("session", "isolated: a fresh session each time, which costs least; main: the agent's main session. isolated unless set.", &SESSIONS)
            .optional(),
    }
}

fn read_hours(reader: &mut TableReader<'_>) -> ActiveHours {
    let start_minutes = reader
        .string("start", "The beginning, HH:MM.")
        .parse(|text| read_clock_time(&text))
        .default("08:00");
    let end_minutes = reader
        .string("end", "The end, HH:MM; 24:00 is the end of the day.")
        .parse(|text| if text == "24:00" { Ok(0) } else { read_clock_time(&text) })
        .default("24:00");
    let time_zone = reader
        .string("time_zone", "The IANA name of the time zone; else the machine's.")
        .parse(|text| match jiff::tz::TimeZone::get(&text) {
            Ok(_) => Ok(text),
            Err(_) => Err("must be an IANA time zone such as \"Europe/Berlin\"".to_owned()),
        })
        .optional();
    ActiveHours { start_minutes, end_minutes, time_zone }
}

fn read_pause(text: &str) -> Result<Duration, String> {
    match parse_duration(text) {
        Some(millis) if millis == 0 || millis >= MINUTE => Ok(Duration::from_millis(millis)),
        Some(_) => Err("must be at least \"1m\", or \"0m\"".to_owned()),
        None => Err("must be a duration such as \"30m\"".to_owned()),
    }
}
