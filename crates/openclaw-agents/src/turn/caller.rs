use std::sync::Arc;

use openclaw_core::{CallId, StopReason, ToolName};
use openclaw_storage::rows::{CallerCall, CallerChoice, CallerRun, InboxRow, Sampling};
use openclaw_tools::ToolDefinition;
use rig_core::message::{ToolChoice, ToolName as RigToolName};

use crate::model::Reply;
use crate::transcript::{AssistantEntry, CallEntry};

/// What the caller of a run brought: instructions, and tools that only it can run.
#[derive(Debug, Default)]
pub(super) struct Caller(Option<Box<CallerRun>>);

/// Calls for the caller, with which a turn ends.
#[derive(Debug)]
pub(super) struct HandedOver {
    /// The last entry of the turn.
    pub(super) entry: AssistantEntry,
    pub(super) calls: Vec<CallerCall>,
}

impl HandedOver {
    /// The answer holds nothing but calls for the caller: it is the last entry itself.
    pub(super) fn at_once(reply: &Reply, calls: Vec<CallerCall>) -> Self {
        let mut entry = AssistantEntry::of_reply(reply);
        entry.stop = Some(StopReason::ToolCalls);
        Self { entry, calls }
    }

    /// The answer is stored, and the results of our own tools after it.
    pub(super) fn after_results(calls: Vec<CallerCall>) -> Self {
        Self { entry: AssistantEntry::text("", Some(StopReason::ToolCalls)), calls }
    }
}

impl Caller {
    /// What the last input of a turn asks for.
    pub(super) fn of(inputs: &[InboxRow]) -> Self {
        Self(inputs.last().and_then(|input| input.options.caller.clone()))
    }

    /// The tools that are offered: ours, where no name is the caller's; the caller's alone, where one
    /// of them has to be called.
    pub(super) fn tools(&self, ours: Arc<[ToolDefinition]>) -> Arc<[ToolDefinition]> {
        let Some(run) = self.0.as_ref().filter(|run| !run.tools.is_empty()) else { return ours };
        let theirs = run.tools.iter().map(|tool| ToolDefinition {
            name: tool.name.as_str().to_owned(),
            description: tool.description.clone(),
            parameters: tool.parameters.clone(),
        });
        let ours = ours.iter().filter(|tool| {
            run.choice == CallerChoice::Auto
                && run.tools.iter().all(|theirs| theirs.name.as_str() != tool.name)
        });
        ours.cloned().chain(theirs).collect()
    }

    /// Adds its instructions to the system prompt.
    pub(super) fn instruct(&self, system: &mut String) {
        if let Some(text) = self.0.as_ref().and_then(|run| run.instructions.as_deref()) {
            system.push_str("\n# Instructions of the caller\n");
            system.push_str(text);
            system.push('\n');
        }
    }

    pub(super) fn choice(&self) -> Option<ToolChoice> {
        let run = self.0.as_ref().filter(|run| !run.tools.is_empty())?;
        match &run.choice {
            CallerChoice::Auto => None,
            CallerChoice::Required => Some(ToolChoice::Required),
            CallerChoice::Named(name) => {
                let name = RigToolName::new(name.as_str()).ok()?;
                Some(ToolChoice::Specific { function_names: vec![name] })
            }
        }
    }

    pub(super) fn max_output(&self) -> Option<u64> {
        self.0.as_ref()?.max_output_tokens
    }

    pub(super) fn sampling(&self) -> Sampling {
        self.0.as_ref().map(|run| run.sampling.clone()).unwrap_or_default()
    }

    /// Whether the caller runs the tool of this name.
    pub(super) fn runs(&self, name: &ToolName) -> bool {
        self.has(name.as_str())
    }

    pub(super) fn has(&self, name: impl AsRef<str>) -> bool {
        let name = name.as_ref();
        self.0.as_ref().is_some_and(|run| run.tools.iter().any(|tool| tool.name.as_str() == name))
    }

    /// The calls of an answer that are for the caller.
    pub(super) fn calls_of(&self, reply: &Reply) -> Vec<CallerCall> {
        let entry = AssistantEntry::of_reply(reply);
        entry
            .calls
            .iter()
            .filter(|call| self.has(call.name.as_str()))
            .filter_map(caller_call)
            .collect()
    }
}

/// A stored call as its caller is told of it.
pub(super) fn caller_call(call: &CallEntry) -> Option<CallerCall> {
    let arguments = match &call.invalid_arguments {
        Some(sent) => sent.clone(),
        None => serde_json::Value::Object(call.arguments.clone()).to_string(),
    };
    Some(CallerCall {
        id: CallId::new(call.id.wire()).ok()?,
        name: ToolName::new(call.name.as_str()).ok()?,
        arguments,
    })
}
