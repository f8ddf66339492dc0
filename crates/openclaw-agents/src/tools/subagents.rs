use std::time::Duration;

use async_trait::async_trait;
use openclaw_core::Session;
use openclaw_sessions::SUBAGENT;
use openclaw_storage::rows::SessionQuery;
use openclaw_tools::{Tool, ToolContext, ToolError, ToolOutput};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;

use super::visible::to_text;
use crate::asking::{Asking, unreadable};
use crate::desk::Desk;
use crate::subagents::begin_task;

const MOST: u32 = 1_000;
const RECENT_MINUTES: u64 = 60;

/// `subagents`: the subagents of this session.
#[derive(Debug)]
pub(super) struct SubagentsTool(pub(super) Desk);

/// Arguments of `subagents`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SubagentsArgs {
    action: Action,
    /// label, session key or number in the list; kill takes all too
    target: Option<String>,
    /// for steer: what it is told
    message: Option<String>,
    /// for list, default 60
    recent_minutes: Option<u64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Action {
    List,
    Kill,
    Steer,
}

#[async_trait]
impl Tool for SubagentsTool {
    type Args = SubagentsArgs;

    const NAME: &'static str = "subagents";
    const DESCRIPTION: &'static str = "List your subagents, stop one (kill), or tell one more while \
        it works or after (steer).";
    const ALIASES: &'static [(&'static str, &'static str)] = &[("recentMinutes", "recent_minutes")];

    async fn call(
        &self,
        context: &ToolContext,
        args: SubagentsArgs,
    ) -> Result<ToolOutput, ToolError> {
        match args.action {
            Action::List => self.list(context, args.recent_minutes).await,
            Action::Kill => self.kill(context, args.target.as_deref()).await,
            Action::Steer => {
                let message = args.message.filter(|text| !text.trim().is_empty());
                let message = message.ok_or_else(|| bad("message is needed to steer"))?;
                self.steer(context, args.target.as_deref(), message).await
            }
        }
    }
}

impl SubagentsTool {
    async fn list(
        &self,
        context: &ToolContext,
        minutes: Option<u64>,
    ) -> Result<ToolOutput, ToolError> {
        let children = self.children(context, minutes.unwrap_or(RECENT_MINUTES)).await?;
        let active = self.0.port()?.subagents().await.map_err(|error| unreadable(&error))?;
        let mut lines = Vec::with_capacity(children.len());
        for (index, child) in children.iter().enumerate() {
            let is_at_work = active.iter().any(|(key, _)| *key == child.session_key);
            let last = self.0.storage.recent_inputs(Some(&child.session_key), 1).await;
            let last = last.map_err(|error| unreadable(&error))?;
            let status = last.first().map_or("idle", |row| row.status.as_str());
            lines.push(to_text(&json!({
                "number": index + 1,
                "label": child.label,
                "session_key": child.session_key,
                "status": if is_at_work { "working" } else { status },
                "usage": child.context.usage,
            }))?);
        }
        if lines.is_empty() {
            return Ok(ToolOutput::text("This session has no subagents."));
        }
        Ok(ToolOutput::text(lines.join("\n")))
    }

    async fn kill(
        &self,
        context: &ToolContext,
        target: Option<&str>,
    ) -> Result<ToolOutput, ToolError> {
        let target = target.ok_or_else(|| bad("target is needed to kill"))?;
        let children = self.children(context, u64::MAX / 120).await?;
        let chosen: Vec<&Session> = match target {
            "all" => children.iter().collect(),
            other => vec![chosen(&children, other)?],
        };
        let mut stopped = 0;
        for child in chosen {
            let ended = self.0.port()?.stop(&child.session_key).await;
            stopped += ended.map_err(|error| unreadable(&error))?;
        }
        Ok(ToolOutput::text(match stopped {
            0 => "None of them was at work.".to_owned(),
            1 => "Stopped.".to_owned(),
            many => format!("Stopped {many} runs."),
        }))
    }

    async fn steer(
        &self,
        context: &ToolContext,
        target: Option<&str>,
        message: String,
    ) -> Result<ToolOutput, ToolError> {
        let target = target.ok_or_else(|| bad("target is needed to steer"))?;
        let children = self.children(context, u64::MAX / 120).await?;
        let child = chosen(&children, target)?;
        let config = self.0.port()?.config();
        let asking = Asking::of(&self.0.storage, &config, context).await?;
        let name = match &child.label {
            Some(label) => format!("Subagent \"{label}\""),
            None => "A subagent".to_owned(),
        };
        begin_task(&self.0, &asking, child.session_key.clone(), name, message, None).await?;
        Ok(ToolOutput::text("It is told; what comes of it is reported to you as a message."))
    }

    /// The subagents of the session that calls, the latest first.
    async fn children(
        &self,
        context: &ToolContext,
        minutes: u64,
    ) -> Result<Vec<Session>, ToolError> {
        let since = self.0.clock.now().minus(Duration::from_secs(minutes.saturating_mul(60)));
        let query = SessionQuery {
            limit: MOST,
            search: Some(format!(":{SUBAGENT}:")),
            active_since: Some(since),
            ..SessionQuery::default()
        };
        let page =
            self.0.storage.list_sessions(&query).await.map_err(|error| unreadable(&error))?;
        let is_own = |session: &Session| {
            let spawned = session.context.spawned.as_ref();
            spawned.is_some_and(|spawned| spawned.parent == context.session_key)
        };
        Ok(page.items.into_iter().filter(is_own).collect())
    }
}

fn chosen<'c>(children: &'c [Session], target: &str) -> Result<&'c Session, ToolError> {
    let by_number = target
        .trim_start_matches('#')
        .parse::<usize>()
        .ok()
        .and_then(|number| number.checked_sub(1));
    if let Some(child) = by_number.and_then(|index| children.get(index)) {
        return Ok(child);
    }
    let named = |child: &&Session| {
        child.session_key.as_str().eq_ignore_ascii_case(target)
            || child.label.as_deref().is_some_and(|label| label.eq_ignore_ascii_case(target))
    };
    children
        .iter()
        .find(named)
        .ok_or_else(|| bad(format!("no subagent {target:?}; action list shows them")))
}

fn bad(message: impl Into<String>) -> ToolError {
    ToolError::RespondToModel(message.into())
}
