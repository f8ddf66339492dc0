//! How a turn ends, and the one batch that says so.

use std::time::Duration;

use openclaw_core::{
    Direction, IdGen, MessageContent, MessageId, RunStatus, SessionId, SessionState, StopReason,
    Timestamp, Usage, UsageShown,
};
use openclaw_errors::ErrorKind;
use openclaw_storage::rows::{CallerCall, InboxRow, InputState, OutboxState, StoredError};
use openclaw_storage::{
    Batch, EventDraft, Fence, InputChange, LogEntry, NewMessage, SessionPatch, TranscriptDraft,
    Write,
};
use serde_json::{Value, json};

use crate::lanes::open_states;
use crate::ports::{ReplyRequest, TurnDelivery, TurnResult};
use crate::report::Report;
use crate::runs::RunEnd;
use crate::work::Work;

/// What a model says to say nothing.
const SILENCE: &str = "NO_REPLY";

/// How a turn ends.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Ending {
    pub(crate) state: InputState,
    pub(crate) status: RunStatus,
    /// The answer or the partial text, as the run keeps it.
    pub(crate) reply: Option<String>,
    pub(crate) error: Option<StoredError>,
    pub(crate) usage: Usage,
    /// The final transcript entry.
    pub(crate) entry: Option<TranscriptDraft>,
    /// What is said in the chat.
    pub(crate) said: Option<Said>,
    pub(crate) event: (&'static str, Value),
    /// Why the model stopped, where it did.
    pub(crate) stop_reason: Option<StopReason>,
    /// Calls for the run's caller.
    pub(crate) calls: Vec<CallerCall>,
}

/// What is said in the chat at the end of a turn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Said {
    /// By the model.
    Answer(String),
    /// By the gateway.
    Notice(String),
}

impl Said {
    fn content(&self) -> MessageContent {
        match self {
            Self::Answer(text) => MessageContent::text(text.clone()),
            Self::Notice(text) => MessageContent::System { text: text.clone() },
        }
    }
}

impl Ending {
    /// The ending of a turn that the runner brought to its end; `None` for one that is parked.
    pub(crate) fn of(result: TurnResult, usage: Usage, timeout: Duration) -> Option<Self> {
        match result {
            TurnResult::Done { reply, entry, stop_reason } => {
                let is_silent = matches!(reply.trim(), "" | SILENCE);
                let reply = if is_silent { String::new() } else { reply };
                Some(Self {
                    state: InputState::Answered,
                    status: RunStatus::Done,
                    error: None,
                    usage,
                    entry: Some(entry),
                    event: done(&reply, usage, stop_reason),
                    said: (!is_silent).then(|| Said::Answer(reply.clone())),
                    reply: Some(reply),
                    stop_reason: Some(stop_reason),
                    calls: Vec::new(),
                })
            }
            TurnResult::HandedOver { reply, entry, calls } => Some(Self {
                state: InputState::Answered,
                status: RunStatus::Done,
                error: None,
                usage,
                entry: Some(entry),
                event: handed_over(&reply, usage, &calls),
                said: (!reply.trim().is_empty()).then(|| Said::Answer(reply.clone())),
                reply: Some(reply),
                stop_reason: Some(StopReason::ToolCalls),
                calls,
            }),
            TurnResult::Cancelled { partial, entry } => Some(Self {
                entry,
                usage,
                event: done(&partial, usage, StopReason::Stopped),
                reply: (!partial.is_empty()).then_some(partial),
                ..Self::stopped()
            }),
            TurnResult::TimedOut { partial, entry } => {
                Some(Self::timed_out(partial, entry, usage, timeout))
            }
            TurnResult::Failed(error) => {
                let notice = format!("I could not answer: {}", sentences(&error));
                Some(Self { usage, ..Self::without_answer(InputState::Failed, error, notice) })
            }
            TurnResult::Parked(_) => None,
        }
    }

    /// Of a run that was stopped before it said anything.
    pub(crate) fn stopped() -> Self {
        let usage = Usage::default();
        Self {
            state: InputState::Failed,
            status: RunStatus::Stopped,
            reply: None,
            error: None,
            usage,
            entry: None,
            said: None,
            event: done("", usage, StopReason::Stopped),
            stop_reason: Some(StopReason::Stopped),
            calls: Vec::new(),
        }
    }

    /// Of inputs for which no turn can run.
    pub(crate) fn refused(error: StoredError) -> Self {
        let notice = sentences(&error);
        Self::without_answer(InputState::Refused, error, notice)
    }

    /// Of an input whose turn broke the gateway, or was cut by its end, each time.
    pub(crate) fn gave_up(attempts: u32) -> Self {
        let error = StoredError {
            code: ErrorKind::Internal.as_str().to_owned(),
            message: format!("the turn was interrupted {attempts} times and is given up"),
            hint: Some("see the gateway's log, then send the message again".to_owned()),
        };
        let notice = format!("I could not answer: {}", sentences(&error));
        Self::without_answer(InputState::Failed, error, notice)
    }

    fn timed_out(
        partial: String,
        entry: Option<TranscriptDraft>,
        usage: Usage,
        timeout: Duration,
    ) -> Self {
        let error = StoredError {
            code: ErrorKind::Timeout.as_str().to_owned(),
            message: format!("the time limit of {} s ran out", timeout.as_secs()),
            hint: Some("ask for less at once, or raise the time limit".to_owned()),
        };
        let notice = sentences(&error);
        let said = if partial.trim().is_empty() {
            Said::Notice(format!("I could not answer: {notice}"))
        } else {
            Said::Answer(format!("{partial}\n\n({notice})"))
        };
        Self {
            state: InputState::Failed,
            status: RunStatus::Timeout,
            error: Some(error),
            usage,
            entry,
            said: Some(said),
            event: done(&partial, usage, StopReason::Timeout),
            reply: (!partial.is_empty()).then_some(partial),
            stop_reason: Some(StopReason::Timeout),
            calls: Vec::new(),
        }
    }

    fn without_answer(state: InputState, error: StoredError, notice: String) -> Self {
        Self {
            state,
            status: RunStatus::Error,
            reply: None,
            usage: Usage::default(),
            entry: None,
            said: Some(Said::Notice(notice)),
            event: ("agent.error", error_data(&error)),
            error: Some(error),
            stop_reason: None,
            calls: Vec::new(),
        }
    }
}

/// The batch of an ending, with what must be left out when the session has ended meanwhile.
#[derive(Debug)]
pub(crate) struct EndBatch {
    batch: Batch,
    session_update: Option<Write>,
    /// What other sessions are told of it.
    pub(crate) reports: Vec<Report>,
    /// The session, where it ends with its first run.
    pub(crate) last_run_of: Option<SessionId>,
    /// What those who wait are told.
    pub(crate) ends: Vec<RunEnd>,
}

impl EndBatch {
    pub(crate) fn batch(&self) -> Batch {
        let mut batch = self.batch.clone();
        batch.writes.extend(self.session_update.clone());
        batch
    }

    /// Leaves the session as it is; answers whether that changes the batch.
    pub(crate) fn without_session(&mut self) -> bool {
        self.session_update.take().is_some()
    }
}

/// What a batch is made with.
pub(crate) struct EndParts<'w> {
    pub(crate) work: &'w Work,
    pub(crate) fence: &'w Fence,
    pub(crate) reply_back: bool,
    pub(crate) delivery: &'w dyn TurnDelivery,
    pub(crate) ids: &'w dyn IdGen,
    pub(crate) at: Timestamp,
}

impl EndParts<'_> {
    /// The end of the lead's run, and of `others` in the same way but without words of their own.
    /// `joined` were taken by the lead's run before.
    pub(crate) fn end(
        &self,
        ending: &Ending,
        others: &[InboxRow],
        joined: &[InboxRow],
    ) -> EndBatch {
        let lead = self.work.lead();
        let is_sent = self.reply_back && ending.said.is_some();
        let delivered = (ending.state == InputState::Answered).then_some(is_sent);
        let mut batch = Batch::new().fenced(self.fence.clone());
        // First, so that a batch whose commit was not heard of conflicts here and nowhere else.
        for row in others.iter().chain([lead]) {
            batch.push(self.change(row, ending, delivered));
        }
        self.say(&mut batch, ending);
        for row in others {
            batch.push(event_only(row, ending, self.at));
        }
        let session_update = self.work.session.ended_at.is_none().then(|| self.update(ending));
        let ends = others
            .iter()
            .chain([lead])
            .map(|row| RunEnd {
                run_id: row.run_id.clone(),
                status: ending.status,
                merged_into: None,
                reply: ending.reply.clone(),
                usage: Some(ending.usage),
                error: ending.error.clone(),
                delivered,
                stop_reason: ending.stop_reason,
                calls: ending.calls.clone(),
            })
            .collect();
        let told = [lead].into_iter().chain(&self.work.group.earlier).chain(others).chain(joined);
        let reports = Report::all(told, ending, self.at);
        let session = &self.work.session;
        let ends_after_run =
            session.context.spawned.as_ref().is_some_and(|spawned| spawned.ends_after_run);
        let last_run_of =
            (ends_after_run && session.ended_at.is_none()).then(|| session.id.clone());
        EndBatch { batch, session_update, reports, last_run_of, ends }
    }

    fn change(&self, row: &InboxRow, ending: &Ending, delivered: Option<bool>) -> Write {
        Write::ChangeInput(Box::new(InputChange {
            delivered,
            reply: ending.reply.clone(),
            usage: Some(ending.usage),
            error: ending.error.clone(),
            ..InputChange::new(row.id.clone(), open_states(), ending.state, ending.status, self.at)
        }))
    }

    /// The message, the last entry and the event as one `seq`, then the rows that send it.
    fn say(&self, batch: &mut Batch, ending: &Ending) {
        let (lead, session) = (self.work.lead(), &self.work.session);
        let conversation = &lead.inbound.conversation;
        let message_id = ending.said.as_ref().and_then(|_| MessageId::new(self.ids.new_id()).ok());
        let said = ending.said.as_ref().zip(message_id);
        let message = said.as_ref().map(|(said, id)| NewMessage {
            id: id.clone(),
            channel_id: conversation.channel_id.clone(),
            direction: Direction::Outbound,
            sender: None,
            chat: conversation.address(),
            content: said.content(),
            reply_to: Some(lead.answers().clone()),
            external_id: None,
        });
        let transcript = ending.entry.clone().map(|mut entry| {
            entry.message_id = entry.message_id.or_else(|| said.as_ref().map(|(_, id)| id.clone()));
            entry
        });
        let (topic, data) = ending.event.clone();
        batch.push(Write::Append(Box::new(LogEntry {
            session_id: session.id.clone(),
            session_key: session.session_key.clone(),
            run_id: Some(lead.run_id.clone()),
            message,
            transcript,
            event: Some(EventDraft { topic, message_id: None, data: Some(data) }),
            at: self.at,
        })));
        let Some((said, message_id)) = said.filter(|_| self.reply_back) else { return };
        let rows = self.delivery.plan(ReplyRequest {
            session: session.clone(),
            session_key: session.session_key.clone(),
            run_id: lead.run_id.clone(),
            message_id: message_id.clone(),
            conversation: conversation.clone(),
            reply_to: Some(lead.answers().clone()),
            text: match &said {
                Said::Answer(text) => with_usage(text, session.config.usage_shown, &ending.usage),
                Said::Notice(text) => text.clone(),
            },
            notice: matches!(said, Said::Notice(_)),
            at: self.at,
        });
        let is_delivered = rows.iter().any(|row| row.state == OutboxState::Sent);
        for row in rows {
            batch.push(Write::Enqueue(Box::new(row)));
        }
        if is_delivered {
            batch.push(Write::Append(Box::new(LogEntry {
                session_id: session.id.clone(),
                session_key: session.session_key.clone(),
                run_id: Some(lead.run_id.clone()),
                message: None,
                transcript: None,
                event: Some(EventDraft {
                    topic: "message.sent",
                    message_id: Some(message_id),
                    data: None,
                }),
                at: self.at,
            })));
        }
    }

    fn update(&self, ending: &Ending) -> Write {
        let mut context = self.work.session.context.clone();
        context.usage += ending.usage;
        context.runs += 1;
        Write::UpdateSession {
            id: self.work.session.id.clone(),
            patch: SessionPatch {
                state: Some(SessionState::Idle),
                context: Some(context),
                last_activity_at: ending.said.is_some().then_some(self.at),
                updated_at: Some(self.at),
                ..SessionPatch::default()
            },
        }
    }
}

/// An answer as it is sent where it says what it used; what is stored says nothing of it.
fn with_usage(text: &str, shown: Option<UsageShown>, usage: &Usage) -> String {
    let (read, written) = (usage.input_tokens, usage.output_tokens);
    match shown {
        None => text.to_owned(),
        Some(UsageShown::Tokens) => format!("{text}\n\n_{read} tokens in, {written} out_"),
        Some(UsageShown::Full) => format!(
            "{text}\n\n_{read} tokens in ({} cached), {written} out, {} model calls_",
            usage.cache_read_tokens, usage.model_calls
        ),
    }
}

/// The end of an input that no turn worked on, for those who follow its run.
pub(crate) fn event_only(row: &InboxRow, ending: &Ending, at: Timestamp) -> Write {
    let (topic, data) = ending.event.clone();
    Write::Append(Box::new(LogEntry {
        session_id: row.session_id.clone(),
        session_key: row.session_key.clone(),
        run_id: Some(row.run_id.clone()),
        message: None,
        transcript: None,
        event: Some(EventDraft { topic, message_id: None, data: Some(data) }),
        at,
    }))
}

/// The writes that end a waiting input as stopped.
pub(crate) fn stop_waiting(row: &InboxRow, at: Timestamp) -> [Write; 2] {
    let ending = Ending::stopped();
    let change = InputChange::new(
        row.id.clone(),
        vec![InputState::Waiting],
        ending.state,
        ending.status,
        at,
    );
    [Write::ChangeInput(Box::new(change)), event_only(row, &ending, at)]
}

fn done(reply: &str, usage: Usage, stop_reason: StopReason) -> (&'static str, Value) {
    ("agent.done", json!({ "reply": reply, "usage": usage, "stop_reason": stop_reason }))
}

fn handed_over(reply: &str, usage: Usage, calls: &[CallerCall]) -> (&'static str, Value) {
    let (topic, mut data) = done(reply, usage, StopReason::ToolCalls);
    data["tool_calls"] = json!(calls);
    (topic, data)
}

fn error_data(error: &StoredError) -> Value {
    let mut data = json!({ "code": error.code, "message": error.message });
    if let Some(hint) = &error.hint {
        data["hint"] = Value::from(hint.as_str());
    }
    data
}

/// Message and hint as sentences for a chat.
fn sentences(error: &StoredError) -> String {
    let mut text = format!("{}.", error.message.trim_end_matches('.'));
    if let Some(hint) = &error.hint {
        let mut letters = hint.trim_end_matches('.').chars();
        let first: String = letters.next().map(|c| c.to_uppercase().collect()).unwrap_or_default();
        text.push_str(&format!(" {first}{}.", letters.as_str()));
    }
    text
}
