use openclaw_config::Config;
use openclaw_core::{QueueMode, Session};
use openclaw_errors::OpenClawError;
use serde::{Deserialize as _, Serialize};
use serde_json::Value;

use super::CommandDeps;

pub(super) async fn run(
    deps: &CommandDeps,
    config: &Config,
    session: &Session,
    wanted: &str,
) -> Result<String, OpenClawError> {
    let queue_mode = match wanted {
        "" => {
            let mode = session.config.queue_mode.unwrap_or(config.session.queue_mode);
            return Ok(format!("Queue: {}.", name_of(&mode)));
        }
        "default" => None,
        other => match QueueMode::deserialize(Value::from(other.to_ascii_lowercase())) {
            Ok(mode) => Some(mode),
            Err(_) => {
                return Ok("Say queue, immediate, batch, interrupt or default.".to_owned());
            }
        },
    };
    deps.configure(session, |config| config.queue_mode = queue_mode).await?;
    let mode = queue_mode.unwrap_or(config.session.queue_mode);
    Ok(format!("Queue: {} from the next message on.", name_of(&mode)))
}

/// The name of a value that is written as one word.
pub(super) fn name_of(value: &impl Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(Value::String(name)) => name,
        _ => String::new(),
    }
}
