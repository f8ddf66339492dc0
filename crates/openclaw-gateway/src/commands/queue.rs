use openclaw_config::Config;
use openclaw_core::{QueueDrop, QueueMode, Session, SessionConfig};
use openclaw_errors::OpenClawError;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::CommandDeps;

const HINT: &str = "Say queue, immediate, immediate_backlog, batch, interrupt or default; with \
    debounce:<milliseconds or seconds as 2s>, cap:<number>, drop:old|new|summarize.";

/// The longest time that messages may be asked to wait.
const LONGEST_DEBOUNCE_MS: u64 = 60_000;
const MOST_WAITING: u32 = 1_000;

pub(super) async fn run(
    deps: &CommandDeps,
    config: &Config,
    session: &Session,
    wanted: &str,
) -> Result<String, OpenClawError> {
    if wanted.is_empty() {
        return Ok(format!("Queue: {}.", told(config, &session.config)));
    }
    let mut own = session.config.clone();
    for word in wanted.split_whitespace() {
        if !apply(&mut own, &word.to_ascii_lowercase()) {
            return Ok(HINT.to_owned());
        }
    }
    let SessionConfig { queue_mode, queue_debounce_ms, queue_cap, queue_drop, .. } = own;
    deps.configure(session, |config| {
        config.queue_mode = queue_mode;
        config.queue_debounce_ms = queue_debounce_ms;
        config.queue_cap = queue_cap;
        config.queue_drop = queue_drop;
    })
    .await?;
    Ok(format!("Queue: {} from the next message on.", told(config, &own)))
}

/// Applies one word; answers whether it is one.
fn apply(own: &mut SessionConfig, word: &str) -> bool {
    if let Some((option, value)) = word.split_once(':') {
        return match option {
            "debounce" => {
                own.queue_debounce_ms = milliseconds(value);
                own.queue_debounce_ms.is_some()
            }
            "cap" => {
                own.queue_cap = value.parse().ok().filter(|cap| *cap <= MOST_WAITING);
                own.queue_cap.is_some()
            }
            "drop" => {
                own.queue_drop = read::<QueueDrop>(value);
                own.queue_drop.is_some()
            }
            _ => false,
        };
    }
    if matches!(word, "default" | "reset") {
        own.queue_mode = None;
        own.queue_debounce_ms = None;
        own.queue_cap = None;
        own.queue_drop = None;
        return true;
    }
    match read::<QueueMode>(word) {
        Some(mode) => {
            own.queue_mode = Some(mode);
            true
        }
        None => false,
    }
}

fn read<T: for<'de> Deserialize<'de>>(word: &str) -> Option<T> {
    T::deserialize(Value::from(word)).ok()
}

/// `1500`, `1500ms`, `2s`.
fn milliseconds(text: &str) -> Option<u64> {
    let millis = match text.strip_suffix("ms") {
        Some(number) => number.parse::<u64>().ok()?,
        None => match text.strip_suffix('s') {
            Some(number) => number.parse::<u64>().ok()?.checked_mul(1_000)?,
            None => text.parse::<u64>().ok()?,
        },
    };
    (millis <= LONGEST_DEBOUNCE_MS).then_some(millis)
}

fn told(config: &Config, own: &SessionConfig) -> String {
    let settings = &config.session;
    let mut text = name_of(&own.queue_mode.unwrap_or(settings.queue_mode));
    let debounce = own
        .queue_debounce_ms
        .unwrap_or_else(|| u64::try_from(settings.queue.debounce.as_millis()).unwrap_or(u64::MAX));
    if debounce > 0 {
        text.push_str(&format!(", after {debounce} ms of quiet"));
    }
    let cap = own.queue_cap.unwrap_or(settings.queue.cap);
    if cap > 0 {
        let drop = name_of(&own.queue_drop.unwrap_or(settings.queue.drop));
        text.push_str(&format!(", at most {cap} waiting (drop: {drop})"));
    }
    text
}

/// The name of a value that is written as one word.
pub(super) fn name_of(value: &impl Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(Value::String(name)) => name,
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::{apply, milliseconds};
    use openclaw_core::{QueueDrop, QueueMode, SessionConfig};

    #[test]
    fn modes_go_by_all_their_names_and_options_stand_beside_them() {
        for (name, mode) in [
            ("queue", QueueMode::Queue),
            ("followup", QueueMode::Queue),
            ("steer", QueueMode::Immediate),
            ("immediate", QueueMode::Immediate),
            ("steer-backlog", QueueMode::ImmediateBacklog),
            ("steer+backlog", QueueMode::ImmediateBacklog),
            ("immediate_backlog", QueueMode::ImmediateBacklog),
            ("collect", QueueMode::Batch),
            ("interrupt", QueueMode::Interrupt),
        ] {
            let mut own = SessionConfig::default();
            assert!(apply(&mut own, name), "{name}");
            assert_eq!(own.queue_mode, Some(mode), "{name}");
        }
        let mut own = SessionConfig::default();
        for word in ["collect", "debounce:2s", "cap:25", "drop:old"] {
            assert!(apply(&mut own, word), "{word}");
        }
        let options = (own.queue_debounce_ms, own.queue_cap, own.queue_drop);
        assert_eq!(options, (Some(2_000), Some(25), Some(QueueDrop::Old)));
        assert!(apply(&mut own, "default"));
        assert_eq!(own, SessionConfig::default());
        for word in ["quickly", "cap:many", "cap:1001", "drop:all", "debounce:1h", "size:3"] {
            assert!(!apply(&mut own, word), "{word}");
        }
        assert_eq!((milliseconds("15ms"), milliseconds("61s")), (Some(15), None));
    }
}
