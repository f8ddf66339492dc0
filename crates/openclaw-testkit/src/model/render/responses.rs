use serde_json::{Value, json};

use super::{Frames, call_id};
use crate::model::{Ending, Part, RecordedRequest, Reply, ScriptedCall};

/// The events of one response and the items that are whole.
struct Items<'a> {
    frames: &'a mut Frames,
    number: u64,
    output: Vec<Value>,
    /// The text or thinking that is being written.
    open: Option<(Kind, String)>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Text,
    Thinking,
}

impl Items<'_> {
    fn event(&mut self, kind: &str, mut fields: Value) {
        fields["type"] = json!(kind);
        fields["sequence_number"] = json!(self.number);
        self.number += 1;
        self.frames.event(Some(kind), &fields);
    }

    fn of_item(&mut self, kind: &str, mut fields: Value) {
        fields["output_index"] = json!(self.output.len());
        self.event(kind, fields);
    }

    fn id(&self, prefix: &str) -> String {
        format!("{prefix}_{}", self.output.len())
    }

    fn write(&mut self, kind: Kind, text: &str) {
        if self.open.as_ref().is_none_or(|(open, _)| *open != kind) {
            self.close();
            self.begin(kind);
            self.open = Some((kind, String::new()));
        }
        match kind {
            Kind::Text => {
                let delta = json!({"item_id": self.id("msg"), "content_index": 0, "delta": text,
                    "logprobs": []});
                self.of_item("response.output_text.delta", delta);
            }
            Kind::Thinking => {
                let delta = json!({"item_id": self.id("rs"), "summary_index": 0, "delta": text});
                self.of_item("response.reasoning_summary_text.delta", delta);
            }
        }
        if let Some((_, written)) = &mut self.open {
            written.push_str(text);
        }
    }

    fn begin(&mut self, kind: Kind) {
        match kind {
            Kind::Text => {
                let id = self.id("msg");
                let item = json!({"id": id, "type": "message", "role": "assistant",
                    "status": "in_progress", "content": []});
                self.of_item("response.output_item.added", json!({"item": item}));
                let part = json!({"type": "output_text", "text": "", "annotations": []});
                let added = json!({"item_id": id, "content_index": 0, "part": part});
                self.of_item("response.content_part.added", added);
            }
            Kind::Thinking => {
                let id = self.id("rs");
                let item = json!({"id": id, "type": "reasoning", "summary": []});
                self.of_item("response.output_item.added", json!({"item": item}));
                let part = json!({"type": "summary_text", "text": ""});
                let added = json!({"item_id": id, "summary_index": 0, "part": part});
                self.of_item("response.reasoning_summary_part.added", added);
            }
        }
    }

    fn close(&mut self) {
        let Some((kind, text)) = self.open.take() else { return };
        let item = match kind {
            Kind::Text => {
                let id = self.id("msg");
                let done = json!({"item_id": id, "content_index": 0, "text": text, "logprobs": []});
                self.of_item("response.output_text.done", done);
                message(&id, &text)
            }
            Kind::Thinking => {
                let id = self.id("rs");
                let done = json!({"item_id": id, "summary_index": 0, "text": text});
                self.of_item("response.reasoning_summary_text.done", done);
                reasoning(&id, &text)
            }
        };
        self.done(item);
    }

    fn done(&mut self, item: Value) {
        self.of_item("response.output_item.done", json!({"item": item}));
        self.output.push(item);
    }

    fn call(&mut self, call: &ScriptedCall, id: &str) {
        self.close();
        let item_id = self.id("fc");
        let mut item = json!({"id": item_id, "type": "function_call", "call_id": id,
            "name": call.name, "arguments": "", "status": "in_progress"});
        self.of_item("response.output_item.added", json!({"item": item}));
        for fragment in &call.fragments {
            let delta = json!({"item_id": item_id, "delta": fragment});
            self.of_item("response.function_call_arguments.delta", delta);
        }
        let arguments = call.fragments.concat();
        let done = json!({"item_id": item_id, "name": call.name, "arguments": arguments});
        self.of_item("response.function_call_arguments.done", done);
        item["arguments"] = json!(arguments);
        item["status"] = json!("completed");
        self.done(item);
    }
}

pub(super) fn stream(request: &RecordedRequest, reply: &Reply, frames: &mut Frames) {
    let mut items = Items { frames, number: 0, output: Vec::new(), open: None };
    let begun = response(request, "in_progress", &[]);
    items.event("response.created", json!({"response": begun}));
    items.event("response.in_progress", json!({"response": begun}));
    let mut calls = 0;
    for part in &reply.parts {
        items.frames.between();
        match part {
            Part::Text(text) => items.write(Kind::Text, text),
            Part::Thinking(text) => items.write(Kind::Thinking, text),
            Part::Call(call) => {
                items.call(call, &call_id(request, call, calls));
                calls += 1;
            }
            Part::Pause(pause) => items.frames.pause(*pause),
            Part::Error { kind, message } => {
                let mut failed = response(request, "failed", &items.output);
                failed["error"] = json!({"code": kind, "message": message});
                items.event("response.failed", json!({"response": failed}));
            }
            Part::Raw(bytes) => items.frames.bytes(bytes.clone()),
        }
    }
    if reply.ending != Ending::Complete {
        return;
    }
    items.close();
    items.frames.between();
    let whole = finished(request, reply, &items.output);
    let kind =
        if whole["status"] == "incomplete" { "response.incomplete" } else { "response.completed" };
    items.event(kind, json!({"response": whole}));
}

pub(super) fn document(request: &RecordedRequest, reply: &Reply) -> Value {
    let mut output: Vec<Value> = Vec::new();
    let mut calls = 0;
    for part in &reply.parts {
        match part {
            Part::Text(text) => match output.last_mut() {
                Some(last) if last["type"] == "message" => {
                    let before = last["content"][0]["text"].as_str().unwrap_or_default();
                    last["content"][0]["text"] = json!(format!("{before}{text}"));
                }
                _ => output.push(message(&format!("msg_{}", output.len()), text)),
            },
            Part::Thinking(text) => output.push(reasoning(&format!("rs_{}", output.len()), text)),
            Part::Call(call) => {
                output.push(json!({"id": format!("fc_{}", output.len()), "type": "function_call",
                    "call_id": call_id(request, call, calls), "name": call.name,
                    "arguments": call.fragments.concat(), "status": "completed"}));
                calls += 1;
            }
            Part::Pause(_) | Part::Error { .. } | Part::Raw(_) => {}
        }
    }
    finished(request, reply, &output)
}

fn message(id: &str, text: &str) -> Value {
    json!({"id": id, "type": "message", "role": "assistant", "status": "completed",
        "content": [{"type": "output_text", "text": text, "annotations": []}]})
}

fn reasoning(id: &str, text: &str) -> Value {
    json!({"id": id, "type": "reasoning", "encrypted_content": "c2lnbmVk",
        "summary": [{"type": "summary_text", "text": text}]})
}

fn response(request: &RecordedRequest, status: &str, output: &[Value]) -> Value {
    json!({
        "id": format!("resp_{}", request.index), "object": "response",
        "created_at": 1_700_000_000, "model": request.model(), "status": status,
        "output": output, "error": null, "incomplete_details": null, "instructions": null,
        "metadata": {}, "parallel_tool_calls": true, "temperature": 1.0, "tool_choice": "auto",
        "tools": [], "top_p": 1.0, "usage": null,
    })
}

/// The reason that the reply was scripted with, in the chat wire's words, decides the status.
fn finished(request: &RecordedRequest, reply: &Reply, output: &[Value]) -> Value {
    let reason = match reply.finish.as_deref() {
        Some("length") => Some("max_output_tokens"),
        Some("content_filter") => Some("content_filter"),
        _ => None,
    };
    let status = if reason.is_some() { "incomplete" } else { "completed" };
    let mut whole = response(request, status, output);
    if let Some(reason) = reason {
        whole["incomplete_details"] = json!({"reason": reason});
    }
    let usage = reply.usage;
    whole["usage"] = json!({
        "input_tokens": usage.input,
        "input_tokens_details": {"cached_tokens": usage.cached},
        "output_tokens": usage.output,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": usage.input + usage.output,
    });
    whole
}
