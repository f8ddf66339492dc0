use openclaw_protocol::methods::{LogsTail, LogsTailParams};
use openclaw_protocol::typescript::WireError;
use openclaw_protocol::typescript::params;
use serde_json::{Value, json};

use super::Call;

pub(super) async fn tail(call: Call<'_>) -> Result<Value, WireError> {
    let params: params::LogsTailParams = call.params()?;
    let asked =
        LogsTailParams { cursor: params.cursor, limit: params.limit, max_bytes: params.max_bytes };
    let tail = call.of::<LogsTail>(asked).await?;
    let lines: Vec<String> = tail.lines.iter().map(|line| told(line)).collect();
    Ok(json!({
        "file": tail.file,
        "cursor": tail.cursor,
        "size": tail.size,
        "lines": lines,
        "truncated": tail.truncated,
        "reset": tail.reset,
    }))
}

/// A line of this gateway's log in the form that these clients read.
fn told(line: &str) -> String {
    let Ok(Value::Object(event)) = serde_json::from_str::<Value>(line) else {
        return line.to_owned();
    };
    let text = |key: &str| event.get(key).and_then(Value::as_str).unwrap_or_default();
    let mut message = String::new();
    let mut fields = Vec::new();
    for (name, value) in event.get("fields").and_then(Value::as_object).into_iter().flatten() {
        match (name.as_str(), value) {
            ("message", Value::String(text)) => message.push_str(text),
            (name, Value::String(text)) => fields.push(format!("{name}={text:?}")),
            (name, value) => fields.push(format!("{name}={value}")),
        }
    }
    for field in fields {
        message.push(' ');
        message.push_str(&field);
    }
    let subsystem = json!({ "subsystem": text("target") }).to_string();
    json!({
        "0": subsystem,
        "1": message,
        "_meta": { "name": subsystem, "logLevelName": text("level"), "date": text("timestamp") },
        "time": text("timestamp"),
    })
    .to_string()
}

#[cfg(test)]
mod tests {
    use super::told;

    #[test]
    fn lines_are_told_in_the_form_of_these_clients() {
        let line = r#"{"timestamp":"2026-01-02T03:04:05.006Z","level":"INFO","fields":{"message":"a device was approved","device":"d","count":2},"target":"openclaw_gateway"}"#;
        insta::assert_snapshot!(told(line), @r#"{"0":"{\"subsystem\":\"openclaw_gateway\"}","1":"a device was approved device=\"d\" count=2","_meta":{"name":"{\"subsystem\":\"openclaw_gateway\"}","logLevelName":"INFO","date":"2026-01-02T03:04:05.006Z"},"time":"2026-01-02T03:04:05.006Z"}"#);
        assert_eq!(told("not JSON"), "not JSON");
    }
}
