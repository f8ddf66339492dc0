//! What the transport rewrites so that rig understands servers that are nearly compatible.

use serde_json::{Value, json};

/// Takes a key out of a URL's query: it belongs in a header, where no log shows it.
pub(super) fn key_out_of_url(url: &str) -> (String, Option<String>) {
    let Some((base, query)) = url.split_once('?') else { return (url.to_owned(), None) };
    let mut key = None;
    let kept: Vec<&str> = query
        .split('&')
        .filter(|pair| match pair.strip_prefix("key=") {
            Some(value) => {
                key = Some(value.to_owned());
                false
            }
            None => true,
        })
        .collect();
    let url = if kept.is_empty() { base.to_owned() } else { format!("{base}?{}", kept.join("&")) };
    (url, key)
}

/// A whole chat completion, sent by a server that does not stream, as the events it should have
/// sent.
///
/// # Errors
/// The body, to be shown as an error, when it is no chat completion.
pub(super) fn document_to_events(document: &[u8]) -> Result<String, String> {
    let text = || String::from_utf8_lossy(document).into_owned();
    let Ok(mut reply) = serde_json::from_slice::<Value>(document) else { return Err(text()) };
    let Some(choice) = reply["choices"].get_mut(0).map(Value::take) else { return Err(text()) };
    let (mut delta, finish) = (choice["message"].clone(), choice["finish_reason"].clone());
    if !delta.is_object() {
        return Err(text());
    }
    let calls = delta["tool_calls"].as_array_mut().into_iter().flatten();
    for (index, call) in calls.enumerate() {
        call["index"] = json!(index);
    }
    let chunk = |delta: Value, finish: Value| {
        json!({
            "id": reply["id"], "object": "chat.completion.chunk", "created": reply["created"],
            "model": reply["model"],
            "choices": [{"index": 0, "delta": delta, "finish_reason": finish}],
        })
    };
    let first = chunk(delta, Value::Null);
    let mut last = chunk(json!({}), finish);
    last["usage"] = reply["usage"].clone();
    Ok(format!("data: {first}\n\ndata: {last}\n\ndata: [DONE]\n\n"))
}

#[cfg(test)]
mod tests {
    use super::{document_to_events, key_out_of_url};

    #[test]
    fn a_key_leaves_the_url_alone() {
        let (url, key) = key_out_of_url("https://g.example/v1:stream?alt=sse&key=canary&x=1");
        assert_eq!(url, "https://g.example/v1:stream?alt=sse&x=1");
        assert_eq!(key.as_deref(), Some("canary"));
        assert_eq!(key_out_of_url("https://g.example/v1").1, None);
    }

    #[test]
    fn what_is_no_completion_is_given_back() {
        assert_eq!(document_to_events(b"<html>no</html>"), Err("<html>no</html>".to_owned()));
        assert_eq!(document_to_events(b"{\"error\":1}"), Err("{\"error\":1}".to_owned()));
    }
}
