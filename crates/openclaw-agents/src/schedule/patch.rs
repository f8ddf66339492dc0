//! Jobs as they are asked for: by programs in either spelling, and by models that write loosely.

use jiff::tz::TimeZone;
use openclaw_core::{AgentId, ThinkingLevel, Timestamp, parse_duration};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::{
    CatchUp, Delivery, DeliveryMode, Payload, Schedule, ScheduleError, Target, WakeAt, parse_moment,
};

const LONGEST_TEXT: usize = 64 * 1024;
const LONGEST_NAME: usize = 200;
/// What is asked of a job; `None` leaves a value as it is, or as it is by default.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct JobPatch {
    /// The name.
    pub name: Option<String>,
    /// The description; `Some(None)` clears it.
    pub description: Option<Option<String>>,
    /// The agent; `Some(None)` is the default one.
    pub agent_id: Option<Option<AgentId>>,
    /// Whether it runs by itself.
    pub enabled: Option<bool>,
    /// Whether it goes once it has ended well.
    pub delete_after_run: Option<bool>,
    /// When it is due.
    pub schedule: Option<Schedule>,
    /// The session.
    pub target: Option<Target>,
    /// When the main session heeds it.
    pub wake: Option<WakeAt>,
    /// What it says.
    pub payload: Option<PayloadPatch>,
    /// Where the answer goes.
    pub delivery: Option<DeliveryPatch>,
    /// What is done about missed moments.
    pub catch_up: Option<CatchUp>,
}

/// A job that is to be made.
pub type NewJob = JobPatch;

/// What is asked of a payload.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct PayloadPatch {
    /// Whether it is an event for the main session.
    pub is_event: Option<bool>,
    /// The text or message.
    pub text: Option<String>,
    /// The model; `Some(None)` clears it.
    pub model: Option<Option<String>>,
    /// How much to think; `Some(None)` clears it.
    pub thinking: Option<Option<ThinkingLevel>>,
    /// The time limit; `Some(None)` clears it.
    pub timeout_seconds: Option<Option<u64>>,
}

/// What is asked of a delivery.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct DeliveryPatch {
    /// How.
    pub mode: Option<DeliveryMode>,
    /// The channel; `Some(None)` clears it.
    pub channel: Option<Option<String>>,
    /// The chat or URL; `Some(None)` clears it.
    pub to: Option<Option<String>>,
    /// Whether a failed send counts.
    pub best_effort: Option<bool>,
}

type Read<T> = Result<T, ScheduleError>;

impl JobPatch {
    /// Reads what is asked. Both spellings of names are understood, and what belongs to schedule,
    /// payload and delivery may stand beside them.
    ///
    /// # Errors
    /// [`ScheduleError::Invalid`] with the value's name.
    pub fn read(object: &Map<String, Value>, now: Timestamp, local: &TimeZone) -> Read<Self> {
        let all = Fields(object);
        let schedule = all.get("schedule").map(|value| read_schedule(value, now, local));
        let schedule = match schedule {
            Some(read) => Some(read?),
            None => read_flat_schedule(&all, now, local)?,
        };
        Ok(Self {
            name: all.text("name", LONGEST_NAME)?,
            description: all.clearable("description", LONGEST_TEXT)?,
            agent_id: all
                .clearable("agent_id", 64)?
                .map(|id| id.map(|id| agent(&id)).transpose())
                .transpose()?,
            enabled: all.flag("enabled")?,
            delete_after_run: all.flag("delete_after_run")?,
            schedule,
            target: all.word("session_target", "session", "main or isolated")?,
            wake: all.word("wake_mode", "wake", "now or next_heartbeat")?,
            payload: read_payload(&all)?,
            delivery: read_delivery(&all)?,
            catch_up: all.word("catch_up", "catch_up", "skip, once or all")?,
        })
    }
}

fn agent(id: &str) -> Read<AgentId> {
    AgentId::new(id).map_err(|error| ScheduleError::invalid("agent_id", error.to_string()))
}

/// Members by their snake-case name, written so or in camel case; null counts as written.
struct Fields<'a>(&'a Map<String, Value>);

impl<'a> Fields<'a> {
    fn get(&self, name: &str) -> Option<&'a Value> {
        self.0.get(name).or_else(|| self.0.get(&camel(name)))
    }

    fn given(&self, name: &str) -> Option<&'a Value> {
        self.get(name).filter(|value| !value.is_null())
    }

    fn text(&self, name: &'static str, longest: usize) -> Read<Option<String>> {
        let Some(value) = self.given(name) else { return Ok(None) };
        let text = match value {
            Value::String(text) => text.trim().to_owned(),
            Value::Number(number) => number.to_string(),
            _ => return Err(ScheduleError::invalid(name, "must be a text")),
        };
        if text.is_empty() || text.len() > longest {
            let message = format!("must have 1 to {longest} bytes");
            return Err(ScheduleError::invalid(name, message));
        }
        Ok(Some(text))
    }

    fn clearable(&self, name: &'static str, longest: usize) -> Read<Option<Option<String>>> {
        match self.get(name) {
            None => Ok(None),
            Some(Value::Null) => Ok(Some(None)),
            Some(Value::String(text)) if text.trim().is_empty() => Ok(Some(None)),
            Some(_) => Ok(Some(self.text(name, longest)?)),
        }
    }

    fn flag(&self, name: &'static str) -> Read<Option<bool>> {
        match self.given(name) {
            None => Ok(None),
            Some(Value::Bool(flag)) => Ok(Some(*flag)),
            Some(Value::String(text)) if text == "true" => Ok(Some(true)),
            Some(Value::String(text)) if text == "false" => Ok(Some(false)),
            Some(_) => Err(ScheduleError::invalid(name, "must be true or false")),
        }
    }

    fn number(&self, name: &'static str) -> Read<Option<u64>> {
        let Some(value) = self.given(name) else { return Ok(None) };
        let number = match value {
            Value::String(text) => text.trim().parse().ok(),
            other => other.as_u64().or_else(|| whole(other.as_f64()?)),
        };
        let invalid = || ScheduleError::invalid(name, "must be a whole number from 0 on");
        number.map(Some).ok_or_else(invalid)
    }

    /// One of a few words, in either spelling.
    fn word<T: DeserializeOwned>(
        &self,
        name: &'static str,
        other: &'static str,
        allowed: &str,
    ) -> Read<Option<T>> {
        let Some(value) = self.given(name).or_else(|| self.given(other)) else { return Ok(None) };
        let invalid = || ScheduleError::invalid(name, format!("must be {allowed}"));
        let word = value.as_str().ok_or_else(invalid)?;
        let word = Value::String(word.trim().to_ascii_lowercase().replace('-', "_"));
        serde_json::from_value(word).map(Some).map_err(|_| invalid())
    }
}

/// A number that a model wrote with a point.
fn whole(number: f64) -> Option<u64> {
    let is_whole = number.fract() == 0.0 && (0.0..9e15).contains(&number);
    is_whole.then(|| format!("{number:.0}").parse().ok()).flatten()
}

fn camel(name: &str) -> String {
    let mut camel = String::with_capacity(name.len());
    let mut is_next_upper = false;
    for letter in name.chars() {
        if letter == '_' {
            is_next_upper = true;
        } else if std::mem::take(&mut is_next_upper) {
            camel.extend(letter.to_uppercase());
        } else {
            camel.push(letter);
        }
    }
    camel
}

fn read_schedule(value: &Value, now: Timestamp, local: &TimeZone) -> Read<Schedule> {
    match value {
        Value::Object(object) => {
            let fields = Fields(object);
            read_flat_schedule(&fields, now, local)?
                .ok_or_else(|| ScheduleError::invalid("schedule", "needs at, every_ms, or expr"))
        }
        Value::String(text) => text_schedule(text, now, local),
        _ => Err(ScheduleError::invalid("schedule", "must be an object of kind at, every or cron")),
    }
}

/// What a model means that writes a schedule as a text.
fn text_schedule(text: &str, now: Timestamp, local: &TimeZone) -> Read<Schedule> {
    if let Some(at) = parse_moment(text, now, local) {
        return Ok(Schedule::At { at });
    }
    let spaced = text.strip_prefix("every ").map(str::trim);
    if let Some(every_ms) = spaced.and_then(parse_duration) {
        return Ok(Schedule::Every { every_ms, anchor: now });
    }
    Ok(Schedule::Cron { expr: text.trim().to_owned(), tz: None, stagger_ms: 0 })
}

fn read_flat_schedule(
    fields: &Fields<'_>,
    now: Timestamp,
    local: &TimeZone,
) -> Read<Option<Schedule>> {
    if let Some(value) = fields.given("at").or_else(|| fields.given("at_ms")) {
        let at = match value {
            Value::Number(number) => number.as_i64().map(Timestamp::from_millis),
            Value::String(text) => parse_moment(text, now, local),
            _ => None,
        };
        let at = at.ok_or_else(|| {
            let message = "must be a moment such as 2026-03-01T08:00:00+01:00, or 20m";
            ScheduleError::invalid("schedule.at", message)
        })?;
        return Ok(Some(Schedule::At { at }));
    }
    let every = match (fields.number("every_ms")?, fields.text("every", 64)?) {
        (Some(millis), _) => Some(millis),
        (None, Some(text)) => Some(parse_duration(&text).ok_or_else(|| {
            ScheduleError::invalid("schedule.every", "must be a duration such as 30m")
        })?),
        (None, None) => None,
    };
    if let Some(every_ms) = every {
        let anchor = match fields.given("anchor_ms").or_else(|| fields.given("anchor")) {
            None => now,
            Some(Value::Number(number)) => {
                number.as_i64().map(Timestamp::from_millis).unwrap_or(now)
            }
            Some(Value::String(text)) => parse_moment(text, now, local)
                .ok_or_else(|| ScheduleError::invalid("schedule.anchor", "must be a moment"))?,
            Some(_) => return Err(ScheduleError::invalid("schedule.anchor", "must be a moment")),
        };
        return Ok(Some(Schedule::Every { every_ms, anchor }));
    }
    let expr = match fields.text("expr", 200)? {
        Some(expr) => Some(expr),
        None => fields.text("cron", 200)?,
    };
    let Some(expr) = expr else { return Ok(None) };
    Ok(Some(Schedule::Cron {
        expr,
        tz: fields.text("tz", 64)?,
        stagger_ms: fields.number("stagger_ms")?.unwrap_or_default(),
    }))
}

fn read_payload(all: &Fields<'_>) -> Read<Option<PayloadPatch>> {
    let inner = match all.given("payload") {
        None => None,
        Some(Value::Object(object)) => Some(Fields(object)),
        Some(Value::String(text)) => {
            return Ok(Some(PayloadPatch { text: Some(text.clone()), ..PayloadPatch::default() }));
        }
        Some(_) => return Err(ScheduleError::invalid("payload", "must be an object")),
    };
    let fields = inner.as_ref().unwrap_or(all);
    let kind = inner.as_ref().and_then(|fields| fields.given("kind")).and_then(Value::as_str);
    let kind = match kind {
        None => None,
        Some("systemEvent" | "system_event") => Some(true),
        Some("agentTurn" | "agent_turn") => Some(false),
        Some(_) => {
            let message = "must be system_event or agent_turn";
            return Err(ScheduleError::invalid("payload.kind", message));
        }
    };
    let (message, text) =
        (fields.text("message", LONGEST_TEXT)?, fields.text("text", LONGEST_TEXT)?);
    let thinking = match fields.clearable("thinking", 32)? {
        None => None,
        Some(None) => Some(None),
        Some(Some(_)) => {
            Some(fields.word("thinking", "thinking", "off, minimal, low, medium or high")?)
        }
    };
    let timeout = match fields.get("timeout_seconds") {
        None => None,
        Some(Value::Null) => Some(None),
        Some(_) => Some(fields.number("timeout_seconds")?),
    };
    let patch = PayloadPatch {
        is_event: kind.or(match (&message, &text) {
            (None, Some(_)) => Some(true),
            (Some(_), _) => Some(false),
            (None, None) => None,
        }),
        text: message.or(text),
        model: fields.clearable("model", 256)?,
        thinking,
        timeout_seconds: timeout,
    };
    Ok((patch != PayloadPatch::default()).then_some(patch))
}

fn read_delivery(all: &Fields<'_>) -> Read<Option<DeliveryPatch>> {
    let (fields, prefix) = match all.given("delivery") {
        Some(Value::Object(object)) => (Fields(object), None),
        Some(Value::String(word)) => {
            let word = Value::String(word.to_ascii_lowercase());
            let mode = serde_json::from_value(word).map_err(|_| {
                ScheduleError::invalid("delivery", "must be none, announce or webhook")
            })?;
            return Ok(Some(DeliveryPatch { mode: Some(mode), ..DeliveryPatch::default() }));
        }
        Some(_) => return Err(ScheduleError::invalid("delivery", "must be an object")),
        // The older form stands in the payload.
        None => match all.given("payload").and_then(Value::as_object) {
            Some(payload) => (Fields(payload), Some(())),
            None => return Ok(None),
        },
    };
    let mode = match prefix {
        None => fields.word("mode", "mode", "none, announce or webhook")?,
        Some(()) => fields.flag("deliver")?.map(|deliver| match deliver {
            true => DeliveryMode::Announce,
            false => DeliveryMode::None,
        }),
    };
    let best_effort = match fields.flag("best_effort")? {
        Some(flag) => Some(flag),
        None => fields.flag("best_effort_deliver")?,
    };
    let patch = DeliveryPatch {
        mode,
        channel: fields.clearable("channel", 200)?,
        to: fields.clearable("to", 2_048)?,
        best_effort,
    };
    Ok((patch != DeliveryPatch::default()).then_some(patch))
}

impl PayloadPatch {
    /// The payload that comes of it.
    ///
    /// # Errors
    /// When there is nothing to say.
    pub(super) fn apply(self, before: Option<&Payload>) -> Read<Payload> {
        let is_event = self.is_event.unwrap_or(matches!(before, Some(Payload::SystemEvent { .. })));
        let said = match before {
            Some(Payload::SystemEvent { text }) => Some(text.clone()),
            Some(Payload::AgentTurn { message, .. }) => Some(message.clone()),
            None => None,
        };
        let text = self.text.or(said).ok_or_else(|| {
            let name = if is_event { "payload.text" } else { "payload.message" };
            ScheduleError::invalid(name, "is missing")
        })?;
        if is_event {
            return Ok(Payload::SystemEvent { text });
        }
        let (model, thinking, timeout) = match before {
            Some(Payload::AgentTurn { model, thinking, timeout_seconds, .. }) => {
                (model.clone(), *thinking, *timeout_seconds)
            }
            Some(Payload::SystemEvent { .. }) | None => (None, None, None),
        };
        let timeout_seconds = self.timeout_seconds.unwrap_or(timeout);
        if timeout_seconds.is_some_and(|seconds| !(1..=86_400).contains(&seconds)) {
            return Err(ScheduleError::invalid("payload.timeout_seconds", "must be 1 to 86,400"));
        }
        Ok(Payload::AgentTurn {
            message: text,
            model: self.model.unwrap_or(model),
            thinking: self.thinking.unwrap_or(thinking),
            timeout_seconds,
        })
    }
}

impl DeliveryPatch {
    pub(super) fn apply(self, before: Delivery) -> Delivery {
        Delivery {
            mode: self.mode.unwrap_or(before.mode),
            channel: self.channel.unwrap_or(before.channel),
            to: self.to.unwrap_or(before.to),
            best_effort: self.best_effort.unwrap_or(before.best_effort),
        }
    }
}
