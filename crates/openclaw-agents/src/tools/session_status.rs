use async_trait::async_trait;
use openclaw_storage::{Batch, SessionPatch, Write};
use openclaw_tools::{Tool, ToolContext, ToolError, ToolOutput};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;

use super::visible::{View, find, to_text, view};
use crate::asking::unreadable;
use crate::desk::Desk;
use crate::model::candidates;

/// The most waiting inputs that are counted.
const MOST_COUNTED: u32 = 100;

/// `session_status`: how a session stands, and which model it uses.
#[derive(Debug)]
pub(super) struct SessionStatusTool(pub(super) Desk);

/// Arguments of `session_status`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SessionStatusArgs {
    /// key or label, default this session
    session_key: Option<String>,
    /// provider/model to use from the next message on, or default
    model: Option<String>,
}

#[async_trait]
impl Tool for SessionStatusTool {
    type Args = SessionStatusArgs;

    const NAME: &'static str = "session_status";
    const DESCRIPTION: &'static str =
        "Show a session's time, model, tokens used and queue, or set its model.";
    const ALIASES: &'static [(&'static str, &'static str)] = &[("sessionKey", "session_key")];

    async fn call(
        &self,
        context: &ToolContext,
        args: SessionStatusArgs,
    ) -> Result<ToolOutput, ToolError> {
        let Self(desk) = self;
        let view = view(desk, context).await?;
        let named = args.session_key.as_deref().unwrap_or(context.session_key.as_str());
        let mut session = find(desk, context, &view, named).await?;
        let config = desk.port()?.config();
        if let Some(model) = args.model {
            let View::All = view else {
                return Err(ToolError::RespondToModel(
                    "only the owner sets the model of a session".to_owned(),
                ));
            };
            session.config.model = (model != "default").then_some(model);
            candidates(&config, Some(&session), None, &session.agent_id)
                .map_err(|error| ToolError::RespondToModel(error.to_string()))?;
            let patch = SessionPatch {
                config: Some(session.config.clone()),
                updated_at: Some(desk.clock.now()),
                ..SessionPatch::default()
            };
            let write = Write::UpdateSession { id: session.id.clone(), patch };
            desk.storage
                .apply(Batch::new().with(write))
                .await
                .map_err(|error| ToolError::RespondToModel(error.to_string()))?;
        }
        let models: Vec<String> = candidates(&config, Some(&session), None, &session.agent_id)
            .map(|found| found.iter().map(|candidate| candidate.name()).collect())
            .unwrap_or_default();
        let open = desk.storage.open_inputs(&session.session_key, MOST_COUNTED).await;
        let open = open.map_err(|error| unreadable(&error))?;
        let running =
            desk.port()?.active().iter().any(|run| run.session_key == session.session_key);
        to_text(&json!({
            "session_key": session.session_key,
            "label": session.label,
            "agent": session.agent_id,
            "time": desk.clock.now().to_string(),
            "models": models,
            "running": running,
            "waiting": open.len().saturating_sub(usize::from(running)),
            "turns": session.context.runs,
            "usage": session.context.usage,
            "last_activity": session.last_activity_at.to_string(),
        }))
        .map(ToolOutput::text)
    }
}
