use std::time::Duration;

use async_trait::async_trait;
use openclaw_core::{Direction, Message, Session, SessionKey};
use openclaw_storage::rows::SessionQuery;
use openclaw_tools::{Tool, ToolContext, ToolError, ToolOutput};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::visible::{View, to_text, view};
use crate::asking::unreadable;
use crate::desk::Desk;

const DEFAULT: u32 = 20;
const MOST: u32 = 100;
const MOST_MESSAGES: u32 = 20;
const LONGEST_PREVIEW: usize = 400;

/// `sessions_list`: the sessions that can be seen.
#[derive(Debug)]
pub(super) struct SessionsListTool(pub(super) Desk);

/// Arguments of `sessions_list`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SessionsListArgs {
    /// 1 to 100, default 20
    limit: Option<u32>,
    /// only with a message in the last so many minutes
    active_minutes: Option<u64>,
    /// text in key, label or chat
    search: Option<String>,
    /// last messages of each, 0 to 20
    message_limit: Option<u32>,
}

#[derive(Serialize)]
struct Line<'s> {
    session_key: &'s SessionKey,
    #[serde(skip_serializing_if = "Option::is_none")]
    label: Option<&'s str>,
    channel: &'s str,
    last_activity: String,
    running: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    subagent_of: Option<&'s SessionKey>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    messages: Vec<String>,
}

#[async_trait]
impl Tool for SessionsListTool {
    type Args = SessionsListArgs;

    const NAME: &'static str = "sessions_list";
    const DESCRIPTION: &'static str = "List chat sessions, the latest first.";
    const ALIASES: &'static [(&'static str, &'static str)] =
        &[("activeMinutes", "active_minutes"), ("messageLimit", "message_limit")];

    async fn call(
        &self,
        context: &ToolContext,
        args: SessionsListArgs,
    ) -> Result<ToolOutput, ToolError> {
        let Self(desk) = self;
        let sessions = match view(desk, context).await? {
            View::Own => {
                let own = desk.storage.session_by_key(&context.session_key).await;
                own.map_err(|error| unreadable(&error))?.into_iter().collect()
            }
            View::All => {
                let since = args.active_minutes.map(|minutes| {
                    desk.clock.now().minus(Duration::from_secs(minutes.saturating_mul(60)))
                });
                let query = SessionQuery {
                    limit: args.limit.unwrap_or(DEFAULT).clamp(1, MOST),
                    search: args.search,
                    active_since: since,
                    ..SessionQuery::default()
                };
                let page = desk.storage.list_sessions(&query).await;
                page.map_err(|error| unreadable(&error))?.items
            }
        };
        let active = desk.port()?.active();
        let mut lines = Vec::with_capacity(sessions.len());
        for session in &sessions {
            let running = active.iter().any(|run| run.session_key == session.session_key);
            let messages = args.message_limit.unwrap_or(0).min(MOST_MESSAGES);
            lines.push(to_text(&Line {
                session_key: &session.session_key,
                label: session.label.as_deref(),
                channel: session.channel_id.as_str(),
                last_activity: session.last_activity_at.to_string(),
                running,
                subagent_of: session.context.spawned.as_ref().map(|spawned| &spawned.parent),
                messages: previews(desk, session, messages).await?,
            })?);
        }
        if lines.is_empty() {
            return Ok(ToolOutput::text("No session matches."));
        }
        Ok(ToolOutput::text(lines.join("\n")))
    }
}

async fn previews(desk: &Desk, session: &Session, count: u32) -> Result<Vec<String>, ToolError> {
    if count == 0 {
        return Ok(Vec::new());
    }
    let messages = desk.storage.messages_before(&session.id, None, count).await;
    let messages = messages.map_err(|error| unreadable(&error))?;
    Ok(messages.iter().map(preview).collect())
}

fn preview(message: &Message) -> String {
    let who = match message.direction {
        Direction::Inbound => "in",
        Direction::Outbound => "out",
    };
    let text: String = message.content.plain_text().chars().take(LONGEST_PREVIEW).collect();
    format!("{who}: {text}")
}
