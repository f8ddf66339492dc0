use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use openclaw_core::{AgentEvent, MediaRef, ToolPhase};
use openclaw_tools::{ToolCall, ToolContext, ToolError, ToolOutput, ToolPolicy};
use serde_json::{Value, json};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::calls::PlannedCall;
use crate::context::head_and_tail;
use crate::input::is_shown;
use crate::runner::AgentRunner;
use crate::transcript::{ImageEntry, ToolResultEntry};

/// The longest result the model is told, in bytes: 64 KiB of output, and the line that a command's
/// result adds.
const LONGEST_RESULT: usize = 64 * 1024 + 256;

/// How long a tool may take to end after the turn was stopped; the rest of the 250 ms is for the
/// commit.
const GRACE: Duration = Duration::from_millis(100);

const STOPPED: &str =
    "the turn was stopped before the call ended; it may or may not have taken effect";

/// A call that runs.
pub(super) struct RunningCall {
    pub(super) call: PlannedCall,
    work: Pin<Box<dyn Future<Output = Ended> + Send>>,
}

/// How a call ended.
#[derive(Debug)]
pub(super) enum Ended {
    /// With something to tell the model.
    Result(ToolResultEntry),
    /// The turn cannot go on.
    Fatal(String),
}

/// Begins all calls at once, each in a task of its own.
pub(super) fn begin(
    runner: &AgentRunner,
    policy: &Arc<ToolPolicy>,
    context: &ToolContext,
    calls: Vec<PlannedCall>,
) -> Vec<RunningCall> {
    calls
        .into_iter()
        .map(|call| {
            let work: Pin<Box<dyn Future<Output = Ended> + Send>> = match &call.problem {
                Some(problem) => {
                    let ended = Ended::Result(error_result(&call, problem.clone()));
                    Box::pin(std::future::ready(ended))
                }
                None => {
                    let handle = spawn(runner, policy.clone(), context.clone(), &call);
                    Box::pin(join(call.clone(), handle))
                }
            };
            RunningCall { call, work }
        })
        .collect()
}

/// A call that the turn itself answers.
pub(super) fn answered(call: PlannedCall, answer: Result<String, String>) -> RunningCall {
    let result = match answer {
        Ok(text) => result(&call, ToolOutput::text(text)),
        Err(text) => error_result(&call, text),
    };
    RunningCall { call, work: Box::pin(std::future::ready(Ended::Result(result))) }
}

/// The context of a call whose output goes to the run's readers.
pub(super) fn with_output(
    context: &ToolContext,
    call: &PlannedCall,
    stream: Arc<dyn openclaw_sessions::TurnStream>,
) -> ToolContext {
    let (call_id, name) = (call.id.clone(), call.name.clone());
    ToolContext {
        output: Arc::new(move |text: &str| {
            stream.emit(AgentEvent::Tool {
                phase: ToolPhase::Output,
                call_id: call_id.clone(),
                name: name.clone(),
                arguments: None,
                result: Some(text.to_owned()),
                is_error: None,
            });
        }),
        ..context.clone()
    }
}

fn spawn(
    runner: &AgentRunner,
    policy: Arc<ToolPolicy>,
    context: ToolContext,
    call: &PlannedCall,
) -> JoinHandle<Result<ToolOutput, ToolError>> {
    let tools = runner.deps.tools.clone();
    let call = ToolCall {
        call_id: call.id.clone(),
        name: call.name.clone(),
        arguments: Value::Object(call.arguments.clone()),
    };
    runner.deps.tasks.spawn(async move { tools.call(&policy, call, context).await })
}

async fn join(call: PlannedCall, handle: JoinHandle<Result<ToolOutput, ToolError>>) -> Ended {
    match handle.await {
        Ok(Ok(output)) => Ended::Result(result(&call, output)),
        Ok(Err(ToolError::Fatal(message))) => Ended::Fatal(message),
        Ok(Err(ToolError::Cancelled)) => Ended::Result(error_result(&call, STOPPED.to_owned())),
        Ok(Err(error)) => Ended::Result(error_result(&call, error.to_string())),
        Err(error) => {
            tracing::error!(tool = call.name.as_str(), %error, "a tool broke");
            Ended::Result(error_result(&call, "the tool broke".to_owned()))
        }
    }
}

impl RunningCall {
    /// Waits for the call's end. Cancel-safe.
    pub(super) async fn ended(&mut self) -> Ended {
        (&mut self.work).await
    }
}

/// Ends the calls that still run: what has not ended within the grace is told to be stopped.
pub(super) async fn stop(
    running: impl IntoIterator<Item = RunningCall>,
    cancel: &CancellationToken,
) -> Vec<(PlannedCall, ToolResultEntry)> {
    cancel.cancel();
    let until = tokio::time::Instant::now() + GRACE;
    let mut results = Vec::new();
    for mut running in running {
        let result = match tokio::time::timeout_at(until, running.ended()).await {
            Ok(Ended::Result(result)) => result,
            Ok(Ended::Fatal(message)) => error_result(&running.call, message),
            Err(_) => error_result(&running.call, STOPPED.to_owned()),
        };
        results.push((running.call, result));
    }
    results
}

fn result(call: &PlannedCall, output: ToolOutput) -> ToolResultEntry {
    ToolResultEntry {
        call: call.rig_id.clone(),
        name: call.rig_name.clone(),
        text: cut(output.text),
        is_error: false,
        images: output.media.iter().filter(|media| is_shown(media)).map(image).collect(),
    }
}

fn image(media: &MediaRef) -> ImageEntry {
    ImageEntry { media_id: media.media_id.clone(), mime_type: media.mime_type.clone() }
}

fn error_result(call: &PlannedCall, text: String) -> ToolResultEntry {
    ToolResultEntry {
        call: call.rig_id.clone(),
        name: call.rig_name.clone(),
        text: cut(text),
        is_error: true,
        images: Vec::new(),
    }
}

fn cut(text: String) -> String {
    if text.len() <= LONGEST_RESULT {
        return text;
    }
    head_and_tail(&text, LONGEST_RESULT / 2, LONGEST_RESULT / 2)
}

/// What clients are told when a call begins.
pub(super) fn started_event(call: &PlannedCall) -> Value {
    json!({
        "phase": "started", "call_id": call.id, "name": call.name, "arguments": call.arguments,
    })
}

/// What clients are told when a call has ended.
pub(super) fn finished_event(call: &PlannedCall, result: &ToolResultEntry) -> Value {
    const SHOWN: usize = 8 * 1024;
    json!({
        "phase": "finished", "call_id": call.id, "name": call.name,
        "result": head_and_tail(&result.text, SHOWN / 2, SHOWN / 2), "is_error": result.is_error,
    })
}
