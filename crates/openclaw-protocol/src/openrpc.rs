//! The OpenRPC document and the JSON Schema of everything, generated from the registry on demand.

use serde_json::{Map, Value, json};

use crate::event::METHOD as EVENT;
use crate::schema::Schemas;
use crate::{Access, ErrorCode, MethodInfo};

/// The OpenRPC 1.3 document. Takes some milliseconds; nothing is generated before it is asked for.
///
/// Beyond the standard: `x-access` and `x-aliases` of a method, and `x-events` with the data of
/// each topic of the `event` notification.
pub fn document() -> Value {
    let schemas = Schemas::generate();
    let methods: Vec<Value> = schemas
        .methods
        .iter()
        .map(|(method, params, result)| describe(method, params, result, &schemas.definitions))
        .collect();
    let events: Vec<Value> = schemas
        .topics
        .iter()
        .map(|(topic, data)| {
            json!({
                "topic": topic.topic,
                "description": topic.description,
                "stored": topic.stored,
                "schema": data,
            })
        })
        .collect();
    let errors: Map<String, Value> = ErrorCode::ALL
        .into_iter()
        .map(|code| {
            let error = json!({ "code": code.number(), "message": code.meaning() });
            (code.kind().as_str().to_owned(), error)
        })
        .collect();
    json!({
        "openrpc": "1.3.2",
        "info": {
            "title": "OpenClaw gateway",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "JSON-RPC 2.0 over WebSocket at /ws and HTTP POST at /rpc.",
            "license": { "name": env!("CARGO_PKG_LICENSE") },
        },
        "servers": [
            { "name": "websocket", "url": "ws://127.0.0.1:18789/ws" },
            { "name": "http", "url": "http://127.0.0.1:18789/rpc" },
        ],
        "methods": methods,
        "components": { "schemas": schemas.definitions, "errors": errors },
        "x-events": { "method": EVENT, "topics": events },
    })
}

/// One JSON Schema (draft 2020-12) with every type of the protocol below `$defs`.
pub fn json_schema() -> Value {
    let schemas = Schemas::generate();
    let mut definitions = Value::Object(schemas.definitions);
    move_references(&mut definitions);
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "OpenClaw gateway protocol",
        "$defs": definitions,
    })
}

fn describe(
    method: &MethodInfo,
    params: &Value,
    result: &Value,
    definitions: &Map<String, Value>,
) -> Value {
    let access = match method.access {
        Access::Public => "public",
        Access::Scope(scope) => scope.as_str(),
    };
    let tag = method.name.split('.').next().unwrap_or(method.name);
    let mut value = json!({
        "name": method.name,
        "summary": method.description,
        "tags": [{ "name": tag }],
        "paramStructure": "by-name",
        "params": parameters(params, definitions),
        "result": { "name": "result", "schema": result },
        "errors": [],
        "x-access": access,
    });
    if method.access != Access::Public {
        value["errors"] = ["invalid_params", "unauthenticated", "forbidden"]
            .map(|name| json!({ "$ref": format!("#/components/errors/{name}") }))
            .into();
    } else {
        value["errors"] = json!([{ "$ref": "#/components/errors/invalid_params" }]);
    }
    if let Some(alias) = method.alias() {
        value["x-aliases"] = json!([alias]);
    }
    value
}

/// A closed object's properties as OpenRPC content descriptors.
fn parameters(params: &Value, definitions: &Map<String, Value>) -> Vec<Value> {
    let name = params["$ref"].as_str().and_then(|path| path.rsplit('/').next());
    let schema = name.and_then(|name| definitions.get(name)).unwrap_or(params);
    let is_required = |name: &str| {
        schema["required"].as_array().is_some_and(|names| names.iter().any(|n| n == name))
    };
    let Some(properties) = schema["properties"].as_object() else { return Vec::new() };
    properties
        .iter()
        .map(|(name, property)| {
            let mut descriptor =
                json!({ "name": name, "required": is_required(name), "schema": property });
            if let Some(description) = property["description"].as_str() {
                descriptor["description"] = description.into();
            }
            descriptor
        })
        .collect()
}

fn move_references(schema: &mut Value) {
    match schema {
        Value::String(text) => {
            if let Some(name) = text.strip_prefix("#/components/schemas/") {
                *text = format!("#/$defs/{name}");
            }
        }
        Value::Array(items) => items.iter_mut().for_each(move_references),
        Value::Object(fields) => fields.values_mut().for_each(move_references),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}
