use openclaw_core::{AgentId, Session, SessionKey};
use openclaw_storage::rows::SessionQuery;
use openclaw_tools::{ToolContext, ToolError};
use serde::Serialize;

use crate::asking::{Asking, unreadable};
use crate::desk::Desk;

/// Sessions that are looked through for a label.
const MOST_LOOKED_AT: u32 = 1_000;

/// Which sessions a call may see.
#[derive(Debug)]
pub(super) enum View {
    /// All of them.
    All,
    /// The one it is made in.
    Own,
}

/// Which sessions a call may see. One that belongs to no run sees its own.
pub(super) async fn view(desk: &Desk, context: &ToolContext) -> Result<View, ToolError> {
    if context.run_id.is_none() {
        return Ok(View::Own);
    }
    let config = desk.port()?.config();
    let asking = Asking::of(&desk.storage, &config, context).await?;
    Ok(if asking.by_owner { View::All } else { View::Own })
}

/// The live session that a key or a label names, where the call may see it.
pub(super) async fn find(
    desk: &Desk,
    context: &ToolContext,
    view: &View,
    named: &str,
) -> Result<Session, ToolError> {
    let none = || {
        ToolError::RespondToModel(format!(
            "no session {named:?} that can be seen from here; sessions_list shows those that can"
        ))
    };
    let own = &context.session_key;
    let key = key_of(&context.agent_id, named);
    let by_key = match &key {
        Some(key) if matches!(view, View::All) || key == own => {
            desk.storage.session_by_key(key).await.map_err(|error| unreadable(&error))?
        }
        _ => None,
    };
    if let Some(session) = by_key {
        return Ok(session);
    }
    let View::All = view else { return Err(none()) };
    let query = SessionQuery {
        limit: MOST_LOOKED_AT,
        search: Some(named.to_owned()),
        ..SessionQuery::default()
    };
    let page = desk.storage.list_sessions(&query).await.map_err(|error| unreadable(&error))?;
    let is_named =
        |session: &Session| session.label.as_deref().is_some_and(|l| l.eq_ignore_ascii_case(named));
    page.items.into_iter().find(is_named).ok_or_else(none)
}

/// A whole key, or the rest of one of this agent.
fn key_of(agent: &AgentId, named: &str) -> Option<SessionKey> {
    match named.starts_with("agent:") {
        true => SessionKey::parse(named).ok(),
        false => SessionKey::new(agent, named).ok(),
    }
}

/// A value as the model reads it.
pub(super) fn to_text(value: &impl Serialize) -> Result<String, ToolError> {
    serde_json::to_string(value).map_err(|error| ToolError::Fatal(error.to_string()))
}
