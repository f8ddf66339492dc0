use std::collections::HashSet;

use openclaw_core::{CallId, IdGen, ToolName};
use rig_core::message::{
    AssistantContent, AssistantMessage, CallId as RigCallId, Message, ToolCall,
    ToolName as RigToolName,
};
use serde_json::{Map, Value};

/// A call of the model, checked.
#[derive(Debug, Clone)]
pub(super) struct PlannedCall {
    /// The id towards the provider.
    pub(super) rig_id: RigCallId,
    /// The same id in our vocabulary.
    pub(super) id: CallId,
    pub(super) name: ToolName,
    pub(super) rig_name: RigToolName,
    pub(super) arguments: Map<String, Value>,
    /// Why it is not run.
    pub(super) problem: Option<String>,
}

/// Call ids that a conversation holds.
#[derive(Debug, Default)]
pub(super) struct UsedIds(HashSet<String>);

impl UsedIds {
    pub(super) fn of<'a>(messages: impl Iterator<Item = &'a Message>) -> Self {
        let calls = messages.flat_map(|message| match message {
            Message::Assistant(turn) => turn.content.as_slice(),
            Message::System { .. } | Message::User { .. } => &[],
        });
        let ids = calls.filter_map(|block| match block {
            AssistantContent::ToolCall(call) => Some(call.id.wire().into_owned()),
            _ => None,
        });
        Self(ids.collect())
    }
}

/// Checks the calls of an answer, and puts right in the answer itself what no provider would take
/// back: a name that is none, an id that was used before.
pub(super) fn plan(
    message: &mut AssistantMessage,
    used: &mut UsedIds,
    ids: &dyn IdGen,
) -> Vec<PlannedCall> {
    let calls = message.content.iter_mut().filter_map(|block| match block {
        AssistantContent::ToolCall(call) => Some(call),
        _ => None,
    });
    calls.map(|call| plan_one(call, used, ids)).collect()
}

fn plan_one(call: &mut ToolCall, used: &mut UsedIds, ids: &dyn IdGen) -> PlannedCall {
    let id = match CallId::new(call.id.wire()) {
        Ok(id) if used.0.insert(id.as_str().to_owned()) => id,
        _ => {
            let fresh = format!("call_{}", ids.new_id().replace('-', ""));
            used.0.insert(fresh.clone());
            call.id = RigCallId::from_wire(fresh.clone());
            CallId::new(fresh).expect("letters and digits are a call id")
        }
    };
    let mut problem = None;
    let name = ToolName::new(call.function.name.as_str()).unwrap_or_else(|_| {
        problem = Some(format!("there is no tool {:?}", call.function.name.as_str()));
        let plain = plain_name(call.function.name.as_str());
        call.function.name = RigToolName::new(plain.as_str()).expect("a plain name is not empty");
        plain
    });
    if let Some(sent) = &call.function.invalid_arguments {
        let reason = match serde_json::from_str::<Value>(sent) {
            Ok(_) => "they are no object".to_owned(),
            Err(error) => error.to_string(),
        };
        problem = Some(format!(
            "the arguments are not valid JSON ({reason}); the tool was not run. Send the call again \
             with the arguments as one JSON object."
        ));
    }
    PlannedCall {
        rig_id: call.id.clone(),
        id,
        name,
        rig_name: call.function.name.clone(),
        arguments: call.function.arguments.clone(),
        problem,
    }
}

fn plain_name(name: &str) -> ToolName {
    let plain: String = name
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() || c == '_' || c == '-' { c } else { '_' })
        .take(64)
        .collect();
    ToolName::new(plain).unwrap_or_else(|_| ToolName::new("unnamed").expect("a plain name"))
}
