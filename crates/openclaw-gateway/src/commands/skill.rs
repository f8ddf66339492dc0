use openclaw_agents::{SkillInfo, SkillState};
use openclaw_errors::OpenClawError;
use openclaw_sessions::Turn;

use super::CommandDeps;

/// Lists skills, or takes the owner's word on one. Any other `/skill <name>` is a turn of the model.
pub(super) async fn run(
    deps: &CommandDeps,
    turn: &Turn,
    arguments: &str,
    is_owner: bool,
) -> Result<String, OpenClawError> {
    let agent = &turn.session.agent_id;
    let Some(name) = approved(arguments) else {
        return Ok(list(&deps.skills.skills(&turn.config, agent).await?));
    };
    if !is_owner {
        return Ok("Only the owner can approve a skill.".to_owned());
    }
    let skill = deps.skills.approve_skill(&turn.config, agent, name).await?;
    Ok(format!("{} is approved as it is ({}).", skill.name, &skill.digest[..12]))
}

/// Whether what follows `/skill` is for the gateway rather than for the model.
pub(super) fn is_ours(arguments: &str) -> bool {
    arguments.is_empty() || approved(arguments).is_some()
}

/// The skill that is to be approved.
fn approved(arguments: &str) -> Option<&str> {
    let mut words = arguments.split_whitespace();
    (words.next() == Some("approve")).then(|| words.next()).flatten()
}

fn list(skills: &[SkillInfo]) -> String {
    if skills.is_empty() {
        return "No skills: put folders with a SKILL.md into skills/ of the workspace.".to_owned();
    }
    let line = |skill: &SkillInfo| {
        let state = match skill.state {
            SkillState::Ready => String::new(),
            SkillState::Disabled => " (disabled)".to_owned(),
            SkillState::Missing => format!(" (not here: {})", skill.notes.join("; ")),
            SkillState::NeedsApproval => {
                format!(" (waits for `/skill approve {}`: {})", skill.name, skill.notes.join("; "))
            }
        };
        let about: String = skill.description.chars().take(120).collect();
        format!("- `{}`{state}: {about}\n", skill.name)
    };
    skills.iter().map(line).collect()
}
