//! The document of the HTTP paths: self-contained, and what the surface promises.

use openclaw_protocol::openapi;
use serde_json::Value;

fn references(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            if let Some(Value::String(path)) = fields.get("$ref") {
                found.push(path.clone());
            }
            fields.values().for_each(|value| references(value, found));
        }
        Value::Array(items) => items.iter().for_each(|item| references(item, found)),
        _ => {}
    }
}

#[test]
fn every_path_is_described_and_every_reference_is_defined() {
    let document = openapi::document();
    let mut found = Vec::new();
    references(&document, &mut found);
    assert!(found.len() > 30, "{found:?}");
    for path in found {
        let name = path.strip_prefix("#/components/schemas/").expect("a schema");
        assert!(document["components"]["schemas"].get(name).is_some(), "{name}");
    }
    let mut lines = String::new();
    for (path, methods) in document["paths"].as_object().expect("paths") {
        for (method, operation) in methods.as_object().expect("methods") {
            let statuses = operation["responses"].as_object().expect("answers").keys();
            let mut statuses: Vec<&str> = statuses.map(String::as_str).collect();
            statuses.sort_unstable();
            lines += &format!("{method} {path}: {}\n", statuses.join(" "));
        }
    }
    insta::assert_snapshot!(lines, @r"
    get /health: 200 400 403 421
    get /ready: 200 400 403 421 503
    get /openapi.json: 200 400 403 421
    get /metrics: 200 400 401 403 421 429
    get /.well-known/jwks.json: 200 400 401 403 421 429
    post /rpc: 200 204 400 401 403 408 413 421 429 500 503
    get /v1/models: 200 400 401 403 404 421 429
    get /v1/models/{model}: 200 400 401 403 404 421 429
    post /v1/chat/completions: 200 400 401 403 404 408 409 413 421 429 500 502 503 504
    post /v1/responses: 200 400 401 403 404 408 409 413 421 429 500 502 503 504
    post /hooks/wake: 200 400 401 403 404 408 409 413 421 429 500 503
    post /hooks/agent: 202 400 401 403 404 408 409 413 421 429 500 503
    post /hooks/{name}: 200 202 400 401 403 404 408 409 413 421 429 500 503
    post /tools/invoke: 200 400 401 403 404 408 413 421 429 500 503
    ");
}
