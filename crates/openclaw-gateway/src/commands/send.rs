use openclaw_core::{ReplyBack, Session};
use openclaw_errors::OpenClawError;

use super::CommandDeps;
use super::queue::name_of;

pub(super) async fn run(
    deps: &CommandDeps,
    session: &Session,
    wanted: &str,
) -> Result<String, OpenClawError> {
    let rule = match wanted.to_ascii_lowercase().as_str() {
        "" => {
            return Ok(match session.config.reply_back {
                Some(rule) => format!("Answers are sent: {}.", name_of(&rule)),
                None => "Answers are sent as the configuration says.".to_owned(),
            });
        }
        "on" | "always" => Some(ReplyBack::Always),
        "off" | "never" => Some(ReplyBack::Never),
        "mention" => Some(ReplyBack::Mention),
        "default" | "inherit" => None,
        _ => return Ok("Say on, off, mention or default.".to_owned()),
    };
    deps.configure(session, |config| config.reply_back = rule).await?;
    Ok(match rule {
        Some(ReplyBack::Never) => "From the next message on, answers stay in the session.",
        Some(ReplyBack::Always | ReplyBack::Mention | ReplyBack::DirectOnly) => {
            "From the next message on, answers are sent here."
        }
        None => "From the next message on, answers are sent as the configuration says.",
    }
    .to_owned())
}
