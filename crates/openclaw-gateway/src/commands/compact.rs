use openclaw_errors::OpenClawError;
use openclaw_sessions::Turn;

use super::CommandDeps;

pub(super) async fn run(
    deps: &CommandDeps,
    turn: &Turn,
    instructions: &str,
) -> Result<String, OpenClawError> {
    let instructions = Some(instructions).filter(|text| !text.is_empty());
    Ok(match deps.contexts.compact(turn, instructions).await? {
        Some(done) => {
            let by = done.model.map_or_else(
                || "without a model, which did not answer".to_owned(),
                |model| format!("by {model}"),
            );
            format!(
                "Compacted: about {} tokens became {}. The summary was written {by}; everything stays stored.",
                done.before_tokens, done.after_tokens,
            )
        }
        None => "There is nothing to compact yet.".to_owned(),
    })
}
