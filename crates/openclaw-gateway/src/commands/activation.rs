use openclaw_core::{ChatKind, GroupActivation, Inbound, Session};
use openclaw_errors::OpenClawError;

use super::CommandDeps;

pub(super) async fn run(
    deps: &CommandDeps,
    inbound: &Inbound,
    session: &Session,
    wanted: &str,
) -> Result<String, OpenClawError> {
    if inbound.conversation.kind == ChatKind::Direct {
        return Ok("In a direct chat every message is for me.".to_owned());
    }
    let activation = match wanted.to_ascii_lowercase().as_str() {
        "" => return Ok(said(session.config.activation)),
        "always" => Some(GroupActivation::Always),
        "mention" => Some(GroupActivation::Mention),
        "default" => None,
        _ => return Ok("Say mention, always or default.".to_owned()),
    };
    deps.configure(session, |config| config.activation = activation).await?;
    Ok(said(activation))
}

fn said(activation: Option<GroupActivation>) -> String {
    match activation {
        Some(GroupActivation::Always) => "I answer every message here.",
        Some(GroupActivation::Mention) => "I answer when I am mentioned.",
        None => "I answer as the configuration says.",
    }
    .to_owned()
}
