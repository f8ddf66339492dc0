use std::collections::VecDeque;

use serde_json::{Value, json};

use super::{assistant, push};

/// The calls of this wire may have no ids; a result then answers the oldest open call of its name.
pub(super) fn messages(body: &Value) -> Vec<Value> {
    let mut messages = Vec::new();
    let system: Vec<&str> = texts(&body["systemInstruction"]);
    if !system.is_empty() {
        messages.push(json!({"role": "system", "content": system.join("\n")}));
    }
    let mut calls = 0;
    let mut open: VecDeque<(String, String)> = VecDeque::new();
    for content in body["contents"].as_array().into_iter().flatten() {
        let from_model = content["role"] == "model";
        if from_model {
            assistant(&mut messages);
        }
        let mut said = Vec::new();
        for part in content["parts"].as_array().into_iter().flatten() {
            if let Some(call) = part.get("functionCall") {
                let id = call["id"].as_str().map_or_else(|| format!("call-{calls}"), str::to_owned);
                calls += 1;
                open.push_back((call["name"].as_str().unwrap_or_default().to_owned(), id.clone()));
                let arguments = call.get("args").unwrap_or(&json!({})).to_string();
                let call = json!({"id": id, "type": "function",
                    "function": {"name": call["name"], "arguments": arguments}});
                push(assistant(&mut messages), "tool_calls", call);
            } else if let Some(result) = part.get("functionResponse") {
                let id = result["id"].as_str().map(str::to_owned).or_else(|| {
                    let place = open.iter().position(|(name, _)| result["name"] == **name)?;
                    open.remove(place).map(|(_, id)| id)
                });
                messages.push(json!({"role": "tool", "tool_call_id": id,
                    "content": told(&result["response"])}));
            } else if part["thought"] == true {
            } else if let Some(text) = part["text"].as_str() {
                said.push(json!({"type": "text", "text": text}));
            } else if part.get("inlineData").is_some() {
                said.push(json!({"type": "image", "source": part["inlineData"]}));
            }
        }
        if from_model {
            for part in said {
                push(assistant(&mut messages), "content", part);
            }
        } else if !said.is_empty() {
            messages.push(json!({"role": "user", "content": said}));
        }
    }
    messages
}

/// The text of a result, whatever key it stands under.
fn told(response: &Value) -> String {
    let text = ["result", "output", "error", "content"]
        .iter()
        .find_map(|key| response.get(key).and_then(Value::as_str));
    text.map_or_else(|| response.to_string(), str::to_owned)
}

fn texts(content: &Value) -> Vec<&str> {
    content["parts"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|part| part["text"].as_str())
        .collect()
}
