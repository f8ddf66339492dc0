use http::HeaderMap;
use serde_json::Value;

/// What the templates of mappings can name.
#[derive(Debug, Clone, Copy)]
pub(super) struct Facts<'a> {
    pub(super) payload: &'a Value,
    pub(super) headers: &'a HeaderMap,
    pub(super) query: &'a str,
    pub(super) path: &'a str,
    pub(super) now: &'a str,
}

/// Fills a template in. What is not there is left empty; what is no text is written as JSON. Filled
/// in text is not looked at again.
pub(super) fn fill(template: &str, facts: Facts<'_>) -> String {
    let mut filled = String::with_capacity(template.len());
    let mut rest = template;
    while let Some(start) = rest.find("{{") {
        let Some(length) = rest[start + 2..].find("}}") else { break };
        filled.push_str(&rest[..start]);
        filled.push_str(&look_up(rest[start + 2..start + 2 + length].trim(), facts));
        rest = &rest[start + 2 + length + 2..];
    }
    filled.push_str(rest);
    filled
}

fn look_up(name: &str, facts: Facts<'_>) -> String {
    match name {
        "path" => return facts.path.to_owned(),
        "now" => return facts.now.to_owned(),
        _ => {}
    }
    if let Some(header) = name.strip_prefix("headers.") {
        // A hook must not be able to repeat its own credential.
        if ["authorization", "x-openclaw-token", "x-openclaw-signature", "cookie"]
            .contains(&header.to_ascii_lowercase().as_str())
        {
            return String::new();
        }
        let value = facts.headers.get(header).and_then(|value| value.to_str().ok());
        return value.unwrap_or_default().to_owned();
    }
    if let Some(key) = name.strip_prefix("query.") {
        return query_value(facts.query, key).unwrap_or_default();
    }
    let path = name.strip_prefix("payload.").unwrap_or(name);
    match find(facts.payload, path) {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    }
}

fn query_value(query: &str, key: &str) -> Option<String> {
    query.split('&').find_map(|pair| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let plain = |text: &str| crate::server::percent_decoded(&text.replace('+', " "));
        (plain(name) == key).then(|| plain(value))
    })
}

/// Finds `a.b[0].c` in a value.
fn find<'v>(value: &'v Value, path: &str) -> Option<&'v Value> {
    path.split('.').try_fold(value, |value, part| {
        let (name, mut indices) = part.split_once('[').unwrap_or((part, ""));
        let mut found = if name.is_empty() { value } else { value.get(name)? };
        while !indices.is_empty() {
            let (index, rest) = indices.split_once(']')?;
            found = found.get(index.parse::<usize>().ok()?)?;
            indices = rest.strip_prefix('[').unwrap_or(rest);
        }
        Some(found)
    })
}

#[cfg(test)]
mod tests {
    use super::{Facts, fill};
    use http::{HeaderMap, HeaderValue};
    use proptest::prelude::*;
    use serde_json::{Value, json};

    fn filled(template: &str, payload: &Value) -> String {
        let mut headers = HeaderMap::new();
        headers.insert("x-event", HeaderValue::from_static("push"));
        headers.insert("authorization", HeaderValue::from_static("Bearer s3cret"));
        let query = "a=1&b=two+words%21";
        fill(template, Facts { payload, headers: &headers, query, path: "ci", now: "today" })
    }

    #[test]
    fn places_are_filled_in() {
        let payload = json!({"a": {"b": [{"c": "x"}, 2]}, "n": 1.5, "messages": [{"id": "7"}]});
        let text = "{{payload.a.b[0].c}} {{ a.b[1] }} {{n}} {{messages[0].id}} {{a}}";
        assert_eq!(filled(text, &payload), r#"x 2 1.5 7 {"b":[{"c":"x"},2]}"#);
        assert_eq!(
            filled("{{headers.x-event}} {{query.b}} {{path}} {{now}}", &payload),
            "push two words! ci today"
        );
        assert_eq!(filled("[{{nothing}}{{a.b[9]}}{{headers.authorization}}]", &payload), "[]");
        assert_eq!(filled("open {{ end", &payload), "open {{ end");
    }

    #[test]
    fn what_is_filled_in_is_not_a_template() {
        let payload = json!({"evil": "{{headers.x-event}}"});
        assert_eq!(filled("{{evil}}", &payload), "{{headers.x-event}}");
    }

    proptest! {
        #[test]
        fn any_template_is_filled(template in "[{}a.\\[\\]0 ]{0,40}", value in "\\PC{0,10}") {
            let payload = json!({"a": [value]});
            prop_assert!(!filled(&template, &payload).contains("{{a[0]}}"));
        }
    }
}
