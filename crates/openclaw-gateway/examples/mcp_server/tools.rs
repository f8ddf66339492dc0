//! Tools that the suite calls by name.
#![expect(deprecated, reason = "the suite's versions of the protocol have logging and sampling")]

use std::time::Duration;

use async_trait::async_trait;
use openclaw_gateway::mcp::{Asked, Tools};
use rmcp::ErrorData;
use rmcp::model::{
    AudioContent, CallToolResult, ClientResult, ContentBlock, CreateMessageRequestParams,
    ElicitRequest, ElicitRequestParams, JsonObject, LoggingLevel, LoggingMessageNotificationParam,
    ProgressNotificationParam, SamplingMessage, ServerRequest, Tool,
};
use serde_json::{Value, json};

use crate::fixtures::{DOT, page};

/// A sound of no length.
const SILENCE: &str = "UklGRiYAAABXQVZFZm10IBAAAAABAAEAQB8AAAB9AAACABAAZGF0YQIAAAA=";

const PAUSE: Duration = Duration::from_millis(50);

pub(crate) struct Fixtures;

fn object(value: Value) -> JsonObject {
    value.as_object().cloned().unwrap_or_default()
}

fn tool(name: &'static str, description: &'static str) -> Tool {
    Tool::new(name, description, object(json!({"type": "object", "properties": {}})))
}

fn asking(name: &'static str, description: &'static str, argument: &str) -> Tool {
    let schema = json!({
        "type": "object", "properties": {argument: {"type": "string"}}, "required": [argument]
    });
    Tool::new(name, description, object(schema))
}

fn text(text: impl Into<String>) -> Result<CallToolResult, ErrorData> {
    Ok(CallToolResult::success(vec![ContentBlock::text(text.into())]))
}

fn failed(error: &impl std::fmt::Display) -> Result<CallToolResult, ErrorData> {
    Ok(CallToolResult::error(vec![ContentBlock::text(error.to_string())]))
}

#[async_trait]
impl Tools for Fixtures {
    async fn list(&self, _: &Asked) -> Result<Vec<Tool>, ErrorData> {
        let strict = json!({
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "type": "object",
            "$defs": {"address": {"type": "object", "properties": {
                "street": {"type": "string"}, "city": {"type": "string"}}}},
            "properties": {"name": {"type": "string"}, "address": {"$ref": "#/$defs/address"}},
            "additionalProperties": false
        });
        Ok(vec![
            tool("test_simple_text", "gives a text"),
            tool("test_image_content", "gives a picture"),
            tool("test_audio_content", "gives a sound"),
            tool("test_embedded_resource", "gives a resource"),
            tool("test_multiple_content_types", "gives several things"),
            tool("test_tool_with_logging", "tells what it does"),
            tool("test_tool_with_progress", "tells how far it is"),
            tool("test_error_handling", "fails"),
            tool("test_reconnection", "takes a while"),
            asking("test_sampling", "asks the client's model", "prompt"),
            asking("test_elicitation", "asks the client's user", "message"),
            tool("test_elicitation_sep1034_defaults", "asks with defaults"),
            tool("test_elicitation_sep1330_enums", "asks for choices"),
            Tool::new("json_schema_2020_12_tool", "has a strict schema", object(strict)),
        ])
    }

    async fn call(
        &self,
        name: &str,
        arguments: JsonObject,
        asked: &Asked,
    ) -> Result<CallToolResult, ErrorData> {
        let given = |name: &str| arguments.get(name).and_then(Value::as_str).unwrap_or_default();
        match name {
            "test_simple_text" => text("This is a simple text response for testing."),
            "test_image_content" => {
                Ok(CallToolResult::success(vec![ContentBlock::image(DOT, "image/png")]))
            }
            "test_audio_content" => Ok(CallToolResult::success(vec![ContentBlock::Audio(
                AudioContent::new(SILENCE, "audio/wav"),
            )])),
            "test_embedded_resource" => {
                let text = "This is an embedded resource content.";
                let resource = page("test://embedded-resource", "text/plain", text);
                Ok(CallToolResult::success(vec![ContentBlock::resource(resource)]))
            }
            "test_multiple_content_types" => {
                let data = r#"{"test":"data","value":123}"#;
                let resource = page("test://mixed-content-resource", "application/json", data);
                Ok(CallToolResult::success(vec![
                    ContentBlock::text("Multiple content types test:"),
                    ContentBlock::image(DOT, "image/png"),
                    ContentBlock::resource(resource),
                ]))
            }
            "test_tool_with_logging" => logging(asked).await,
            "test_tool_with_progress" => progress(asked).await,
            "test_error_handling" => {
                failed(&"This tool intentionally returns an error for testing")
            }
            "test_reconnection" => {
                tokio::time::sleep(PAUSE).await;
                text("Reconnection test completed successfully.")
            }
            "test_sampling" => sampling(given("prompt"), asked).await,
            "test_elicitation" => {
                let schema = json!({"type": "object", "properties": {
                    "username": {"type": "string", "description": "User's response"},
                    "email": {"type": "string", "description": "User's email address"}
                }, "required": ["username", "email"]});
                elicitation(given("message"), schema, asked).await
            }
            "test_elicitation_sep1034_defaults" => {
                elicitation("Values with defaults", with_defaults(), asked).await
            }
            "test_elicitation_sep1330_enums" => elicitation("Choices", with_choices(), asked).await,
            "json_schema_2020_12_tool" => text(format!("Hello, {}!", given("name"))),
            _ => Err(ErrorData::invalid_params("there is no such tool", None)),
        }
    }
}

async fn logging(asked: &Asked) -> Result<CallToolResult, ErrorData> {
    let steps = ["Tool execution started", "Tool processing data", "Tool execution completed"];
    for step in steps {
        let message = LoggingMessageNotificationParam::new(LoggingLevel::Info, json!(step));
        if let Err(error) = asked.peer.notify_logging_message(message).await {
            return failed(&error);
        }
        tokio::time::sleep(PAUSE).await;
    }
    text("Logging test completed")
}

async fn progress(asked: &Asked) -> Result<CallToolResult, ErrorData> {
    for done in [0.0, 50.0, 100.0] {
        if let Some(token) = asked.meta.get_progress_token() {
            let told = ProgressNotificationParam::new(token, done).with_total(100.0);
            if let Err(error) = asked.peer.notify_progress(told).await {
                return failed(&error);
            }
        }
        tokio::time::sleep(PAUSE).await;
    }
    text("Progress test completed")
}

async fn sampling(prompt: &str, asked: &Asked) -> Result<CallToolResult, ErrorData> {
    let messages = vec![SamplingMessage::user_text(prompt)];
    let request = CreateMessageRequestParams::new(messages, 100);
    match asked.peer.create_message(request).await {
        Ok(answer) => {
            let said = answer.message.content.first().and_then(|content| content.as_text());
            let said = said.map(|said| said.text.clone()).unwrap_or_default();
            text(format!("LLM response: {said}"))
        }
        Err(error) => failed(&error),
    }
}

async fn elicitation(
    message: &str,
    schema: Value,
    asked: &Asked,
) -> Result<CallToolResult, ErrorData> {
    let requested_schema = serde_json::from_value(schema)
        .map_err(|error| ErrorData::internal_error(error.to_string(), None))?;
    let request = ElicitRequestParams::FormElicitationParams {
        meta: None,
        message: message.to_owned(),
        requested_schema,
    };
    let request = ServerRequest::ElicitRequest(ElicitRequest::new(request));
    match asked.peer.send_request(request).await {
        Ok(ClientResult::ElicitResult(answer)) => {
            let action = serde_json::to_value(&answer.action).unwrap_or_default();
            let action = action.as_str().unwrap_or_default();
            let content = answer.content.unwrap_or_default();
            text(format!("User response: action={action}, content={content}"))
        }
        Ok(_) => failed(&"the client answered something else"),
        Err(error) => failed(&error),
    }
}

fn with_defaults() -> Value {
    json!({"type": "object", "properties": {
        "name": {"type": "string", "default": "John Doe"},
        "age": {"type": "integer", "default": 30},
        "score": {"type": "number", "default": 95.5},
        "status": {
            "type": "string", "enum": ["active", "inactive", "pending"], "default": "active"
        },
        "verified": {"type": "boolean", "default": true}
    }})
}

fn with_choices() -> Value {
    let titled = |of: &str| {
        json!([
            {"const": "value1", "title": format!("First {of}")},
            {"const": "value2", "title": format!("Second {of}")},
            {"const": "value3", "title": format!("Third {of}")}
        ])
    };
    let plain = json!(["option1", "option2", "option3"]);
    json!({"type": "object", "properties": {
        "untitledSingle": {"type": "string", "enum": plain},
        "titledSingle": {"type": "string", "oneOf": titled("Option")},
        "legacyEnum": {
            "type": "string", "enum": ["opt1", "opt2", "opt3"],
            "enumNames": ["Option One", "Option Two", "Option Three"]
        },
        "untitledMulti": {"type": "array", "items": {"type": "string", "enum": plain}},
        "titledMulti": {"type": "array", "items": {"anyOf": titled("Choice")}}
    }})
}
