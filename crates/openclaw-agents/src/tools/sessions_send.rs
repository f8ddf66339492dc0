use std::time::Duration;

use async_trait::async_trait;
use openclaw_core::{OriginKind, ReportTo, RunOrigin, RunStatus, Session};
use openclaw_sessions::{RunEnd, WaitError};
use openclaw_storage::rows::RunOptions;
use openclaw_tools::{Tool, ToolContext, ToolError, ToolOutput};
use schemars::JsonSchema;
use serde::Deserialize;

use super::visible::{View, find, view};
use crate::asking::Asking;
use crate::desk::{Desk, SessionRun};
use crate::subagents::refused;

/// How often sessions may write to each other before a person must.
const MOST_EXCHANGES: u32 = 5;
const DEFAULT_WAIT: u64 = 60;
const LONGEST_WAIT: u64 = 600;

/// `sessions_send`: writes to another session.
#[derive(Debug)]
pub(super) struct SessionsSendTool(pub(super) Desk);

/// Arguments of `sessions_send`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SessionsSendArgs {
    /// key or label
    session_key: String,
    message: String,
    /// how long to wait for its answer, default 60; 0: the answer comes later as a message
    timeout_seconds: Option<u64>,
}

#[async_trait]
impl Tool for SessionsSendTool {
    type Args = SessionsSendArgs;

    const NAME: &'static str = "sessions_send";
    const DESCRIPTION: &'static str = "Give another session's agent a message and get its answer. \
        The answer is not sent to that session's chat.";
    const ALIASES: &'static [(&'static str, &'static str)] = &[
        ("sessionKey", "session_key"),
        ("label", "session_key"),
        ("timeoutSeconds", "timeout_seconds"),
        ("timeout", "timeout_seconds"),
    ];

    async fn call(
        &self,
        context: &ToolContext,
        args: SessionsSendArgs,
    ) -> Result<ToolOutput, ToolError> {
        let Self(desk) = self;
        if args.message.trim().is_empty() {
            return refuse("message is empty");
        }
        let View::All = view(desk, context).await? else {
            return refuse("only the owner's own sessions may write to others");
        };
        let target = find(desk, context, &View::All, &args.session_key).await?;
        let port = desk.port()?;
        let asking = Asking::of(&desk.storage, &port.config(), context).await?;
        check(&asking, &target)?;
        let wait = args.timeout_seconds.unwrap_or(DEFAULT_WAIT).min(LONGEST_WAIT);
        let options = RunOptions {
            origin: Some(Box::new(origin(&asking, &target, wait == 0))),
            ..RunOptions::default()
        };
        let run_id = desk.new_run_id()?;
        port.begin(SessionRun {
            run_id: run_id.clone(),
            principal: asking.lead.principal.clone(),
            session_key: target.session_key.clone(),
            text: args.message,
            options,
            begins: None,
        })
        .await
        .map_err(refused)?;
        if wait == 0 {
            return Ok(ToolOutput::text(
                "Sent. Its answer comes as a message of its own; do not wait for it.",
            ));
        }
        let ended = tokio::select! {
            biased;
            () = context.cancel.cancelled() => return Err(ToolError::Cancelled),
            ended = port.wait(&run_id, Duration::from_secs(wait)) => ended,
        };
        match ended {
            Ok(end) => Ok(ToolOutput::text(answer(&end))),
            Err(WaitError::TimedOut(_)) => Ok(ToolOutput::text(format!(
                "It has the message and has not answered within {wait} s. sessions_history of {} shows the answer later.",
                target.session_key
            ))),
            Err(error) => refuse(error.to_string()),
        }
    }
}

/// Keeps sessions from writing to themselves, and from answering each other for ever.
fn check(asking: &Asking, target: &Session) -> Result<(), ToolError> {
    if target.session_key == asking.session.session_key {
        return refuse("that is this session; just answer");
    }
    let origin = asking.lead.options.origin.as_deref();
    let is_back = origin.is_some_and(|origin| {
        origin.kind == OriginKind::Message && origin.session_key == target.session_key
    });
    if is_back {
        return refuse("that session asked, and your answer goes to it by itself; just answer");
    }
    if asking.exchanges() >= MOST_EXCHANGES {
        return refuse(format!(
            "sessions have written to each other {MOST_EXCHANGES} times in a row; answer the person now"
        ));
    }
    Ok(())
}

fn origin(asking: &Asking, target: &Session, reports: bool) -> RunOrigin {
    let lead = &asking.lead;
    let report = reports.then(|| {
        Box::new(ReportTo {
            session_key: asking.session.session_key.clone(),
            conversation: lead.inbound.conversation.clone(),
            sender: lead.inbound.sender.clone(),
            principal: lead.principal.clone(),
            reply_back: lead.reply_back,
            name: format!("The session {}", target.session_key),
        })
    });
    RunOrigin {
        kind: OriginKind::Message,
        session_key: asking.session.session_key.clone(),
        run_id: lead.run_id.clone(),
        askers: asking.askers.clone(),
        by_owner: asking.by_owner,
        exchanges: asking.exchanges() + 1,
        answers: Some(lead.answers().clone()),
        report,
    }
}

fn answer(end: &RunEnd) -> String {
    let reply = end.reply.as_deref().unwrap_or_default().trim();
    match end.status {
        RunStatus::Done | RunStatus::Merged if reply.is_empty() => {
            "It answered nothing.".to_owned()
        }
        RunStatus::Done | RunStatus::Merged => format!("It answered:\n{reply}"),
        RunStatus::Stopped => "It was stopped before it answered.".to_owned(),
        RunStatus::Timeout => "It ran out of time before it answered.".to_owned(),
        RunStatus::Error | RunStatus::Accepted | RunStatus::Running => match &end.error {
            Some(error) => format!("It could not answer: {}", error.message),
            None => "It could not answer.".to_owned(),
        },
    }
}

fn refuse<T>(message: impl Into<String>) -> Result<T, ToolError> {
    Err(ToolError::RespondToModel(message.into()))
}
