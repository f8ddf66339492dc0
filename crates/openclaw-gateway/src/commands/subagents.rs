use std::fmt::Write as _;

use openclaw_core::Session;
use openclaw_errors::OpenClawError;
use openclaw_sessions::{SUBAGENT, StopTarget};
use openclaw_storage::rows::SessionQuery;

use super::CommandDeps;

const MOST: u32 = 1_000;

/// How many are shown.
const SHOWN: usize = 20;

pub(super) async fn run(
    deps: &CommandDeps,
    session: &Session,
    wanted: &str,
) -> Result<String, OpenClawError> {
    let (action, target) = wanted.split_once(char::is_whitespace).unwrap_or((wanted, ""));
    match (action.to_ascii_lowercase().as_str(), target.trim()) {
        ("" | "list", _) => list(deps, session).await,
        ("kill" | "stop", "") => Ok("Say which: its number in /subagents, or all.".to_owned()),
        ("kill" | "stop", "all") => {
            let stopped = deps.handle.get()?.lanes.stop_subagents(&session.session_key).await?;
            Ok(told(stopped))
        }
        ("kill" | "stop", target) => {
            let children = children(deps, session).await?;
            let number = target.trim_start_matches('#').parse::<usize>().unwrap_or(0);
            let Some(child) = number.checked_sub(1).and_then(|index| children.get(index)) else {
                return Ok(format!("There is no subagent {target}; /subagents lists them."));
            };
            let lanes = deps.handle.get()?.lanes.clone();
            let own = lanes.stop(StopTarget::Session(&child.session_key)).await?;
            Ok(told(own + lanes.stop_subagents(&child.session_key).await?))
        }
        _ => Ok("Say list, or kill and a number or all.".to_owned()),
    }
}

fn told(stopped: usize) -> String {
    match stopped {
        0 => "None of them was at work.".to_owned(),
        1 => "Stopped.".to_owned(),
        many => format!("Stopped {many} runs."),
    }
}

async fn list(deps: &CommandDeps, session: &Session) -> Result<String, OpenClawError> {
    let children = children(deps, session).await?;
    if children.is_empty() {
        return Ok("This session has no subagents.".to_owned());
    }
    let mut text = String::new();
    for (index, child) in children.iter().take(SHOWN).enumerate() {
        let last = deps.storage.recent_inputs(Some(&child.session_key), 1).await?;
        let status = last.first().map_or("idle", |row| row.status.as_str());
        let name = child.label.as_deref().unwrap_or("without a name");
        // Writing to a string does not fail.
        let _infallible =
            writeln!(text, "{}. {name}: {status} (`{}`)", index + 1, child.session_key);
    }
    Ok(text)
}

/// The subagents of a session, the latest first.
async fn children(deps: &CommandDeps, session: &Session) -> Result<Vec<Session>, OpenClawError> {
    let query = SessionQuery {
        limit: MOST,
        search: Some(format!(":{SUBAGENT}:")),
        ..SessionQuery::default()
    };
    let page = deps.storage.list_sessions(&query).await?;
    let is_own = |child: &Session| {
        let spawned = child.context.spawned.as_ref();
        spawned.is_some_and(|spawned| spawned.parent == session.session_key)
    };
    Ok(page.items.into_iter().filter(is_own).collect())
}
