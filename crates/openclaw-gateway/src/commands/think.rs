use openclaw_core::{Session, ThinkingLevel};
use openclaw_errors::OpenClawError;
use serde::Deserialize as _;
use serde_json::Value;

use super::CommandDeps;

pub(super) async fn run(
    deps: &CommandDeps,
    session: &Session,
    wanted: &str,
) -> Result<String, OpenClawError> {
    let thinking = match wanted {
        "" => {
            let level = session.config.thinking.unwrap_or_default();
            return Ok(format!("Thinking: {}.", name_of(level)));
        }
        "default" => None,
        other => match ThinkingLevel::deserialize(Value::from(other.to_ascii_lowercase())) {
            Ok(level) => Some(level),
            Err(_) => {
                return Ok("Say off, minimal, low, medium, high or default.".to_owned());
            }
        },
    };
    deps.configure(session, |config| config.thinking = thinking).await?;
    Ok(format!("Thinking: {} from the next message on.", name_of(thinking.unwrap_or_default())))
}

fn name_of(level: ThinkingLevel) -> String {
    super::queue::name_of(&level)
}
