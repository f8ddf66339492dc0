use openclaw_core::{CallId, ToolName};
use openclaw_protocol::openai::{
    ChatContent, ChatMessage, ChatPart, ChatRequest, ChatTool, ChatToolCall, ChatToolChoice,
    ChoiceWord, FileData, ResponseFormat,
};
use openclaw_storage::rows::{CallerCall, CallerChoice, CallerResult, CallerRun, CallerTool};
use serde_json::{Map, Value, json};

use super::ask::{Asked, agent_of, thinking};
use super::error::Refused;
use super::files::FileSource;
use super::said::{Said, add_text};
use super::sampling::sampling;
use crate::GatewayState;

/// Understands a request for a chat completion.
pub(super) fn read(state: &GatewayState, request: ChatRequest) -> Result<Asked, Refused> {
    let agent = agent_of(state, &request.model)?;
    if request.n.is_some_and(|count| count != 1) {
        return Err(Refused::bad("only one answer can be asked for", "n"));
    }
    let mut caller = CallerRun {
        tools: tools(request.tools.unwrap_or_default())?,
        max_output_tokens: limit(request.max_completion_tokens, "max_completion_tokens")?
            .or(limit(request.max_tokens, "max_tokens")?),
        instructions: format(request.response_format),
        sampling: sampling(request.temperature, request.top_p, request.stop)?,
        ..CallerRun::default()
    };
    let choice = match request.tool_choice {
        None => Choice::Auto,
        Some(ChatToolChoice::Word(ChoiceWord::None)) => Choice::None,
        Some(ChatToolChoice::Word(ChoiceWord::Auto)) => Choice::Auto,
        Some(ChatToolChoice::Word(ChoiceWord::Required)) => Choice::Required,
        Some(ChatToolChoice::Named(named)) => Choice::Named(named.function.name),
    };
    choose(&mut caller, choice)?;
    let mut said = Vec::with_capacity(request.messages.len());
    for (index, message) in request.messages.into_iter().enumerate() {
        said.push(message_said(message, index)?);
    }
    Ok(Asked {
        agent,
        said,
        param: "messages",
        caller,
        thinking: thinking(request.reasoning_effort.as_deref(), "reasoning_effort")?,
        user: request.user,
        previous: None,
        kind: "openai",
    })
}

fn limit(asked: Option<u64>, param: &str) -> Result<Option<u64>, Refused> {
    match asked {
        Some(0) => Err(Refused::bad("must be at least 1", param)),
        asked => Ok(asked),
    }
}

/// Which tool has to be called.
pub(super) enum Choice {
    None,
    Auto,
    Required,
    Named(String),
}

/// Sets the choice of tools.
///
/// # Errors
/// When there is no such tool.
pub(super) fn choose(caller: &mut CallerRun, choice: Choice) -> Result<(), Refused> {
    caller.choice = match choice {
        Choice::Auto => CallerChoice::Auto,
        Choice::None => {
            caller.tools.clear();
            CallerChoice::Auto
        }
        Choice::Required if caller.tools.is_empty() => {
            return Err(Refused::bad("there are no tools to choose from", "tool_choice"));
        }
        Choice::Required => CallerChoice::Required,
        Choice::Named(name) => match caller.tools.iter().find(|tool| tool.name.as_str() == name) {
            Some(tool) => CallerChoice::Named(tool.name.clone()),
            None => return Err(Refused::bad("there is no such tool in tools", "tool_choice")),
        },
    };
    Ok(())
}

fn tools(tools: Vec<ChatTool>) -> Result<Vec<CallerTool>, Refused> {
    let mut read = Vec::with_capacity(tools.len());
    for (index, tool) in tools.into_iter().enumerate() {
        let function = tool.function;
        let param = format!("tools[{index}].function.name");
        read.push(caller_tool(
            &function.name,
            function.description,
            function.parameters,
            &param,
            &read,
        )?);
    }
    Ok(read)
}

/// One tool of the caller.
///
/// # Errors
/// When the name cannot be one, or is taken.
pub(super) fn caller_tool(
    name: &str,
    description: Option<String>,
    parameters: Option<Map<String, Value>>,
    param: &str,
    before: &[CallerTool],
) -> Result<CallerTool, Refused> {
    let name = ToolName::new(name)
        .map_err(|_| Refused::bad("a tool's name is 1 to 64 of A-Z a-z 0-9 _ -", param))?;
    if before.iter().any(|tool| tool.name == name) {
        return Err(Refused::bad("two tools have this name", param));
    }
    let mut parameters = parameters.unwrap_or_default();
    parameters.values_mut().for_each(make_plain);
    if !parameters.contains_key("type") {
        parameters.insert("type".to_owned(), json!("object"));
    }
    if parameters["type"] == "object" && !parameters.contains_key("properties") {
        parameters.insert("properties".to_owned(), json!({}));
    }
    Ok(CallerTool {
        name,
        description: description.map(plain).unwrap_or_default(),
        parameters: Value::Object(parameters),
    })
}

/// The form of an answer in words: not every model of an agent has a switch for it.
fn format(format: Option<ResponseFormat>) -> Option<String> {
    match format? {
        ResponseFormat::Text => None,
        ResponseFormat::JsonObject => Some(JSON_ONLY.to_owned()),
        ResponseFormat::JsonSchema { json_schema } => {
            Some(json_answer(json_schema.get("schema").unwrap_or(&Value::Null)))
        }
    }
}

pub(super) const JSON_ONLY: &str =
    "Answer with one JSON object and nothing else: no words around it, no code fence.";

/// Asks for JSON of a schema.
pub(super) fn json_answer(schema: &Value) -> String {
    format!("{JSON_ONLY} It must be valid for this JSON Schema:\n{schema}")
}

fn message_said(message: ChatMessage, index: usize) -> Result<Said<FileSource>, Refused> {
    let param = format!("messages[{index}]");
    Ok(match message {
        ChatMessage::System { content } | ChatMessage::Developer { content } => {
            Said::Instruction(text_only(content, &param)?)
        }
        ChatMessage::User { content } => {
            let (text, files) = text_and_files(content, &param)?;
            Said::User { text, files }
        }
        ChatMessage::Assistant { content, tool_calls } => {
            let text = content.map(|content| text_only(content, &param)).transpose()?;
            let calls = tool_calls.unwrap_or_default().into_iter();
            let calls = calls.map(|call| caller_call(call, &param)).collect::<Result<_, _>>()?;
            Said::Assistant { text: text.unwrap_or_default(), calls }
        }
        ChatMessage::Tool { tool_call_id, content } => Said::Result(CallerResult {
            call_id: call_id(tool_call_id, &param)?,
            text: text_only(content, &param)?,
        }),
    })
}

fn caller_call(call: ChatToolCall, param: &str) -> Result<CallerCall, Refused> {
    read_call(call.id, &call.function.name, call.function.arguments, param)
}

/// A call of an earlier answer.
///
/// # Errors
/// When its id or name cannot be one.
pub(super) fn read_call(
    id: String,
    name: &str,
    arguments: String,
    param: &str,
) -> Result<CallerCall, Refused> {
    let name = ToolName::new(name).map_err(|error| Refused::bad(error.to_string(), param))?;
    Ok(CallerCall { id: call_id(id, param)?, name, arguments: plain(arguments) })
}

/// The id of a call.
///
/// # Errors
/// When it cannot be one.
pub(super) fn call_id(id: String, param: &str) -> Result<CallId, Refused> {
    CallId::new(id).map_err(|error| Refused::bad(error.to_string(), param))
}

/// Text as every store can keep it.
pub(super) fn plain(text: String) -> String {
    if text.contains('\0') { text.replace('\0', "\u{fffd}") } else { text }
}

fn make_plain(value: &mut Value) {
    match value {
        Value::String(text) if text.contains('\0') => *text = plain(std::mem::take(text)),
        Value::Array(items) => items.iter_mut().for_each(make_plain),
        Value::Object(fields) => fields.values_mut().for_each(make_plain),
        _ => {}
    }
}

fn text_only(content: ChatContent, param: &str) -> Result<String, Refused> {
    let (text, files) = text_and_files(content, param)?;
    if files.is_empty() {
        return Ok(text);
    }
    Err(Refused::bad("only messages of the user can hold images and files", param))
}

fn text_and_files(content: ChatContent, param: &str) -> Result<(String, Vec<FileSource>), Refused> {
    let parts = match content {
        ChatContent::Text(text) => return Ok((plain(text), Vec::new())),
        ChatContent::Parts(parts) => parts,
    };
    let (mut text, mut files) = (String::new(), Vec::new());
    for (index, part) in parts.into_iter().enumerate() {
        let param = format!("{param}.content[{index}]");
        match part {
            ChatPart::Text { text: more } | ChatPart::Refusal { refusal: more } => {
                add_text(&mut text, &plain(more));
            }
            ChatPart::ImageUrl { image_url } => {
                files.push(FileSource::of_url(&image_url.url, &param)?);
            }
            ChatPart::InputAudio { input_audio } => {
                let name = format!("recording.{}", input_audio.format);
                files.push(FileSource::of_base64(&input_audio.data, Some(name), &param)?);
            }
            ChatPart::File { file } => files.push(file_source(file, &param)?),
        }
    }
    Ok((text, files))
}

fn file_source(file: FileData, param: &str) -> Result<FileSource, Refused> {
    match file.file_data {
        Some(data) => FileSource::of_base64(&data, file.filename, param),
        None => Err(Refused::bad("only files with file_data can be read", param)),
    }
}
