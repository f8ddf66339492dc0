//! The generated documents: complete, self-contained, and what the surface promises.

use std::collections::BTreeSet;

use openclaw_protocol::openrpc;
use openclaw_protocol::registry::METHODS;
use serde_json::Value;

#[test]
fn every_method_of_the_surface_is_described() {
    let document = openrpc::document();
    assert!(document["openrpc"].as_str().is_some_and(|version| version.starts_with("1.3.")));
    let mut lines = String::new();
    for method in document["methods"].as_array().expect("a list") {
        let params: Vec<String> = method["params"]
            .as_array()
            .expect("a list")
            .iter()
            .map(|param| {
                assert!(param["schema"].is_object() || param["schema"].is_boolean(), "{param}");
                let mark = if param["required"] == true { "" } else { "?" };
                format!("{}{mark}", param["name"].as_str().expect("a name"))
            })
            .collect();
        lines += &format!(
            "{} ({}): {}\n",
            method["name"].as_str().expect("a name"),
            method["x-access"].as_str().expect("an access"),
            params.join(", ")
        );
    }
    insta::assert_snapshot!(lines);
    assert_eq!(document["methods"].as_array().expect("a list").len(), METHODS.len());
}

#[test]
fn every_reference_is_defined() {
    for (document, prefix) in
        [(openrpc::document(), "#/components/schemas/"), (openrpc::json_schema(), "#/$defs/")]
    {
        let definitions = match prefix {
            "#/$defs/" => &document["$defs"],
            _ => &document["components"]["schemas"],
        };
        let mut references = BTreeSet::new();
        collect(&document, &mut references);
        assert!(references.len() > 20);
        for reference in references {
            if let Some(name) = reference.strip_prefix("#/components/errors/") {
                assert!(document["components"]["errors"][name].is_object(), "{reference}");
                continue;
            }
            let name = reference.strip_prefix(prefix).expect("a local reference");
            assert!(definitions.get(name).is_some(), "{reference}");
        }
    }
}

#[test]
fn params_are_closed_and_results_say_what_is_always_there() {
    let document = openrpc::document();
    let schemas = &document["components"]["schemas"];
    assert_eq!(schemas["AgentRunParams"]["additionalProperties"], false);
    assert_eq!(schemas["AgentRunParams"]["required"], serde_json::json!(["message"]));
    assert_eq!(
        schemas["Usage"]["required"],
        serde_json::json!([
            "input_tokens",
            "output_tokens",
            "cache_read_tokens",
            "cache_write_tokens",
            "model_calls"
        ])
    );
    // A type of both directions has both shapes: `multiple` may be left out by a caller only.
    assert_eq!(schemas["Poll"]["required"], serde_json::json!(["question", "options"]));
    assert_eq!(
        schemas["PollOutput"]["required"],
        serde_json::json!(["question", "options", "multiple"])
    );
    let message = serde_json::to_string(&schemas["Message"]).expect("serialises");
    assert!(message.contains("MessageContentOutput"), "{message}");
}

#[test]
fn generation_is_deterministic() {
    assert_eq!(openrpc::document().to_string(), openrpc::document().to_string());
}

fn collect(value: &Value, references: &mut BTreeSet<String>) {
    match value {
        Value::Object(fields) => {
            for (key, value) in fields {
                match value {
                    Value::String(text) if key == "$ref" => {
                        references.insert(text.clone());
                    }
                    other => collect(other, references),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| collect(item, references)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}
