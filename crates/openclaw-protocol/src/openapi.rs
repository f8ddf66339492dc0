//! The OpenAPI document of every HTTP path, generated on demand.

use schemars::SchemaGenerator;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

use crate::openai::{
    ApiErrorBody, ChatAnswer, ChatRequest, Model, ModelList, Response, ResponseRequest,
};
use crate::webhooks::{
    AgentHookRequest, HookAccepted, HookRefused, ToolInvokeRequest, ToolInvoked, ToolNotInvoked,
    WakeAccepted, WakeRequest,
};

/// The OpenAPI 3.1 document. Takes some milliseconds; nothing is generated before it is asked for.
pub fn document() -> Value {
    let settings = SchemaSettings::draft2020_12().with(|settings| {
        settings.definitions_path = "/components/schemas".into();
        settings.meta_schema = None;
    });
    let mut types = Types {
        read: settings.clone().for_deserialize().into_generator(),
        written: settings.for_serialize().into_generator(),
    };
    let paths = json!({
        "/health": { "get": live() },
        "/ready": { "get": ready() },
        "/openapi.json": { "get": this_document() },
        "/metrics": { "get": metrics() },
        "/.well-known/jwks.json": { "get": key_set() },
        "/rpc": { "post": rpc() },
        "/v1/models": { "get": models(&mut types) },
        "/v1/models/{model}": { "get": model(&mut types) },
        "/v1/chat/completions": { "post": chat(&mut types) },
        "/v1/responses": { "post": responses(&mut types) },
        "/hooks/wake": { "post": wake(&mut types) },
        "/hooks/agent": { "post": hook_agent(&mut types) },
        "/hooks/{name}": { "post": hook(&mut types) },
        "/tools/invoke": { "post": tools_invoke(&mut types) },
    });
    let mut schemas = types.read.take_definitions(true);
    for (name, schema) in types.written.take_definitions(true) {
        schemas.entry(name).or_insert(schema);
    }
    schemas.sort_keys();
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "OpenClaw gateway",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "What is spoken over HTTP. JSON-RPC has a document of its own, OpenRPC; /ws is a WebSocket and not described here.",
            "license": { "name": env!("CARGO_PKG_LICENSE") },
        },
        "servers": [{ "url": "http://127.0.0.1:18789" }],
        "security": [{ "bearer": [] }],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {
                "bearer": { "type": "http", "scheme": "bearer", "description": "The gateway token or an API key." },
                "hook": { "type": "http", "scheme": "bearer", "description": "hooks.token; or, where hooks.signing_secret is set, x-openclaw-timestamp (seconds since 1970) and x-openclaw-signature: sha256= with the hexadecimal HMAC-SHA256 of the timestamp, a dot and the raw body." },
            },
        },
    })
}

struct Types {
    read: SchemaGenerator,
    written: SchemaGenerator,
}

impl Types {
    fn request<T: schemars::JsonSchema>(&mut self) -> Value {
        let schema = self.read.subschema_for::<T>().to_value();
        json!({ "required": true, "content": { "application/json": { "schema": schema } } })
    }

    fn answer<T: schemars::JsonSchema>(&mut self, description: &str) -> Value {
        let schema = self.written.subschema_for::<T>().to_value();
        json!({ "description": description, "content": { "application/json": { "schema": schema } } })
    }
}

fn text(description: &str) -> Value {
    json!({ "description": description, "content": { "text/plain": { "schema": { "type": "string" } } } })
}

fn object(description: &str) -> Value {
    json!({ "description": description, "content": { "application/json": { "schema": { "type": "object" } } } })
}

/// What every path may answer before it is looked at: a foreign origin, host or query.
fn refusals(mut answers: Map<String, Value>) -> Value {
    let guarded = [
        ("400", "A credential in the query, or a request that cannot be read."),
        ("403", "A foreign origin, or a credential without the scope."),
        ("421", "A host name that is not served."),
    ];
    for (status, description) in guarded {
        let entry = answers
            .entry(status)
            .or_insert_with(|| json!({ "description": description, "content": {} }));
        entry["content"]["text/plain"] = json!({ "schema": { "type": "string" } });
    }
    Value::Object(answers)
}

fn answers(list: impl IntoIterator<Item = (&'static str, Value)>) -> Map<String, Value> {
    list.into_iter().map(|(status, answer)| (status.to_owned(), answer)).collect()
}

fn live() -> Value {
    let answers = refusals(answers([("200", object("The process lives."))]));
    json!({ "summary": "Whether the gateway lives.", "security": [], "responses": answers })
}

fn ready() -> Value {
    let answers = refusals(answers([
        ("200", object("It can store what comes in.")),
        ("503", object("It cannot, or is stopping.")),
    ]));
    json!({ "summary": "Whether the gateway can store what comes in.", "security": [], "responses": answers })
}

fn this_document() -> Value {
    let answers = refusals(answers([("200", object("The document."))]));
    json!({ "summary": "This document.", "security": [], "responses": answers })
}

fn metrics() -> Value {
    let answers = refusals(answers([
        ("200", text("Metrics in the text format of Prometheus.")),
        ("401", object("No credential, or a wrong one.")),
        ("403", object("The credential lacks operator.read.")),
        ("429", object("Too many requests.")),
    ]));
    json!({ "summary": "Figures for Prometheus; needs operator.read.", "responses": answers })
}

fn key_set() -> Value {
    let answers = refusals(answers([
        ("200", object("The keys that access tokens are signed with, as a JSON Web Key Set.")),
        ("401", object("No credential, or a wrong one.")),
        ("429", object("Too many wrong credentials.")),
    ]));
    json!({ "summary": "The keys of access tokens.", "responses": answers })
}

fn rpc() -> Value {
    let answers = refusals(answers([
        (
            "200",
            json!({ "description": "The answers.", "content": { "application/json": { "schema": { "type": ["object", "array"] } } } }),
        ),
        ("204", json!({ "description": "There was nothing to answer." })),
        ("400", object("The body cannot be read.")),
        ("401", object("No credential, or a wrong one.")),
        ("408", object("The body took too long.")),
        ("413", object("The body is too large.")),
        ("429", object("Too many requests.")),
        ("500", object("A fault of the gateway.")),
        ("503", object("The gateway is stopping, or cannot take more.")),
    ]));
    json!({
        "summary": "JSON-RPC 2.0, described by its OpenRPC document: rpc.discover. Some methods need no credential.",
        "security": [{}, { "bearer": [] }],
        "requestBody": { "required": true, "content": { "application/json": { "schema": { "type": ["object", "array"] } } } },
        "responses": answers,
    })
}

/// What the OpenAI-compatible paths answer when they do not.
fn with_api_errors(types: &mut Types, ok: Value, own: &[(&'static str, &'static str)]) -> Value {
    let mut list = answers([("200", ok)]);
    let shared = [
        ("400", "The request cannot be understood."),
        ("401", "No credential, or a wrong one."),
        ("403", "The credential lacks the scope."),
        ("404", "No such model, or the interface is switched off."),
        ("429", "Too many requests, of the caller or of the gateway to its model."),
    ];
    for (status, description) in shared.iter().chain(own) {
        list.insert((*status).to_owned(), types.answer::<ApiErrorBody>(description));
    }
    list["404"]["content"]["text/plain"] = json!({ "schema": { "type": "string" } });
    refusals(list)
}

const RUN_ERRORS: [(&str, &str); 7] = [
    ("408", "The body took too long."),
    ("409", "Something changed meanwhile."),
    ("413", "The body or a file is too large."),
    ("500", "A fault of the gateway."),
    ("502", "The model failed."),
    ("503", "No model is configured, or the gateway cannot take more."),
    ("504", "The run took too long."),
];

fn models(types: &mut Types) -> Value {
    let ok = types.answer::<ModelList>("The agents.");
    let answers = with_api_errors(types, ok, &[]);
    json!({ "summary": "The agents, as models.", "operationId": "listModels", "responses": answers })
}

fn model(types: &mut Types) -> Value {
    let ok = types.answer::<Model>("The agent.");
    let answers = with_api_errors(types, ok, &[]);
    json!({
        "summary": "One agent, as a model.",
        "operationId": "retrieveModel",
        "parameters": [{ "name": "model", "in": "path", "required": true, "schema": { "type": "string", "minLength": 1 } }],
        "responses": answers,
    })
}

fn session_headers() -> Value {
    json!([
        { "name": "x-openclaw-session-key", "in": "header", "description": "The session to go on with; only what follows the assistant's last message is taken.", "schema": { "type": "string" } },
        { "name": "x-openclaw-agent-id", "in": "header", "description": "The agent, where the model names none.", "schema": { "type": "string" } },
    ])
}

/// The answer of a run, whole or as it is written.
fn run_answer<T: schemars::JsonSchema>(types: &mut Types, description: &str) -> Value {
    let mut ok = types.answer::<T>(description);
    ok["content"]["text/event-stream"] = json!({ "schema": { "type": "string" } });
    ok
}

fn chat(types: &mut Types) -> Value {
    let ok = run_answer::<ChatAnswer>(types, "The answer; with stream: true chunks of it.");
    let body = types.request::<ChatRequest>();
    let answers = with_api_errors(types, ok, &RUN_ERRORS);
    json!({
        "summary": "Asks an agent, as OpenAI's chat completions do.",
        "operationId": "createChatCompletion",
        "parameters": session_headers(),
        "requestBody": body,
        "responses": answers,
    })
}

fn responses(types: &mut Types) -> Value {
    let ok = run_answer::<Response>(types, "The answer; with stream: true events of it.");
    let body = types.request::<ResponseRequest>();
    let answers = with_api_errors(types, ok, &RUN_ERRORS);
    json!({
        "summary": "Asks an agent, as OpenAI's responses do.",
        "operationId": "createResponse",
        "parameters": session_headers(),
        "requestBody": body,
        "responses": answers,
    })
}

fn with_hook_errors(types: &mut Types, accepted: &[(&'static str, Value)]) -> Value {
    let mut list = answers(accepted.iter().cloned());
    let errors = [
        ("400", "The request cannot be understood."),
        ("401", "The credential is missing or wrong."),
        ("403", "The mapping needs what this version cannot do."),
        ("404", "No such hook, or hooks are switched off."),
        ("408", "The body took too long."),
        ("409", "The idempotency key is in use by another caller."),
        ("413", "The body is too large."),
        ("429", "Too many wrong credentials, or too many requests."),
        ("500", "A fault of the gateway."),
        ("503", "No model is configured, or the gateway cannot take more."),
    ];
    for (status, description) in errors {
        list.insert(status.to_owned(), types.answer::<HookRefused>(description));
    }
    list["404"]["content"]["text/plain"] = json!({ "schema": { "type": "string" } });
    refusals(list)
}

fn hook_security() -> Value {
    json!([{ "hook": [] }])
}

fn idempotency() -> Value {
    json!({ "name": "idempotency-key", "in": "header", "description": "The caller's name for this very request; sent again, it starts nothing.", "schema": { "type": "string", "minLength": 1, "maxLength": 256 } })
}

fn wake(types: &mut Types) -> Value {
    let ok = types.answer::<WakeAccepted>("The main session is told.");
    let body = types.request::<WakeRequest>();
    let answers = with_hook_errors(types, &[("200", ok)]);
    json!({ "summary": "Tells the main session something.", "security": hook_security(), "parameters": [idempotency()], "requestBody": body, "responses": answers })
}

fn hook_agent(types: &mut Types) -> Value {
    let ok = types.answer::<HookAccepted>("The run is stored.");
    let body = types.request::<AgentHookRequest>();
    let answers = with_hook_errors(types, &[("202", ok)]);
    json!({ "summary": "Runs the agent.", "security": hook_security(), "parameters": [idempotency()], "requestBody": body, "responses": answers })
}

fn hook(types: &mut Types) -> Value {
    let woken = types.answer::<WakeAccepted>("The main session is told.");
    let runs = types.answer::<HookAccepted>("The run is stored.");
    let answers = with_hook_errors(types, &[("200", woken), ("202", runs)]);
    json!({
        "summary": "Does what the mapping of this name says.",
        "security": hook_security(),
        "parameters": [
            { "name": "name", "in": "path", "required": true, "schema": { "type": "string", "minLength": 1 } },
            idempotency(),
        ],
        "requestBody": { "content": { "application/json": { "schema": {} } } },
        "responses": answers,
    })
}

fn tools_invoke(types: &mut Types) -> Value {
    let mut list = answers([("200", types.answer::<ToolInvoked>("What came out."))]);
    let errors = [
        ("400", "The request cannot be understood."),
        ("401", "No credential, or a wrong one."),
        ("403", "The credential lacks operator.write."),
        ("404", "The tool is not there, or may not be called."),
        ("408", "The body took too long."),
        ("413", "The body is too large."),
        ("429", "Too many requests."),
        ("500", "The tool cannot go on, or a fault of the gateway."),
        ("503", "The gateway cannot take more."),
    ];
    for (status, description) in errors {
        list.insert(status.to_owned(), types.answer::<ToolNotInvoked>(description));
    }
    let body = types.request::<ToolInvokeRequest>();
    let answers = refusals(list);
    json!({ "summary": "Calls one tool, as the agent would.", "requestBody": body, "responses": answers })
}
