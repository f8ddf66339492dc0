use openclaw_core::RunId;
use openclaw_protocol::openai::ChoiceWord;
use openclaw_protocol::openai::{
    InputContent, InputItem, InputMessage, InputPart, InputRole, OtherItem, ResponseInput,
    ResponseRequest, ResponseToolChoice, TextFormat,
};
use openclaw_storage::rows::{CallerResult, CallerRun};
use serde_json::Value;

use super::ask::{Asked, agent_of, thinking};
use super::chat_request::{
    Choice, JSON_ONLY, call_id, caller_tool, choose, json_answer, plain, read_call,
};
use super::error::Refused;
use super::files::FileSource;
use super::said::{Said, add_text};
use super::sampling::sampling;
use crate::GatewayState;

/// What ids of answers begin with, before the run's.
pub(super) const ID_PREFIX: &str = "resp_";

/// Understands a request for a response.
pub(super) fn read(state: &GatewayState, request: &ResponseRequest) -> Result<Asked, Refused> {
    let agent = agent_of(state, &request.model)?;
    if request.background == Some(true) {
        return Err(Refused::bad("background responses are not offered", "background"));
    }
    let mut caller = CallerRun {
        max_output_tokens: request.max_output_tokens,
        instructions: instructions(request),
        sampling: sampling(request.temperature.clone(), request.top_p.clone(), None)?,
        ..CallerRun::default()
    };
    if caller.max_output_tokens == Some(0) {
        return Err(Refused::bad("must be at least 1", "max_output_tokens"));
    }
    for (index, tool) in request.tools.iter().flatten().enumerate() {
        let (description, parameters) = (tool.description.clone(), tool.parameters.clone());
        let param = format!("tools[{index}].name");
        let tool = caller_tool(&tool.name, description, parameters, &param, &caller.tools)?;
        caller.tools.push(tool);
    }
    let choice = match &request.tool_choice {
        None | Some(ResponseToolChoice::Word(ChoiceWord::Auto)) => Choice::Auto,
        Some(ResponseToolChoice::Word(ChoiceWord::None)) => Choice::None,
        Some(ResponseToolChoice::Word(ChoiceWord::Required)) => Choice::Required,
        Some(ResponseToolChoice::Named(named)) => Choice::Named(named.name.clone()),
    };
    choose(&mut caller, choice)?;
    let effort = request.reasoning.as_ref().and_then(|reasoning| reasoning.effort.as_deref());
    Ok(Asked {
        agent,
        said: said(&request.input)?,
        param: "input",
        caller,
        thinking: thinking(effort, "reasoning.effort")?,
        user: request.user.clone().or_else(|| request.safety_identifier.clone()),
        previous: request.previous_response_id.as_deref().map(previous).transpose()?,
        kind: "openresponses",
    })
}

fn instructions(request: &ResponseRequest) -> Option<String> {
    let mut text = request.instructions.clone().map(plain).unwrap_or_default();
    match request.text.as_ref().and_then(|text| text.format.as_ref()) {
        None | Some(TextFormat::Text) => {}
        Some(TextFormat::JsonObject) => add_text(&mut text, JSON_ONLY),
        Some(TextFormat::JsonSchema { schema }) => {
            add_text(&mut text, &json_answer(&Value::Object(schema.clone())));
        }
    }
    (!text.is_empty()).then_some(text)
}

fn previous(id: &str) -> Result<RunId, Refused> {
    id.strip_prefix(ID_PREFIX).and_then(|run| RunId::new(run).ok()).ok_or_else(Refused::no_previous)
}

fn said(input: &ResponseInput) -> Result<Vec<Said<FileSource>>, Refused> {
    let items = match input {
        ResponseInput::Text(text) => {
            return Ok(vec![Said::User { text: plain(text.clone()), files: Vec::new() }]);
        }
        ResponseInput::Items(items) => items,
    };
    let mut said: Vec<Said<FileSource>> = Vec::with_capacity(items.len());
    for (index, item) in items.iter().enumerate() {
        let param = format!("input[{index}]");
        match item {
            InputItem::Message(message) => said.push(message_said(message, &param)?),
            InputItem::Other(OtherItem::Reasoning) => {}
            InputItem::Other(OtherItem::FunctionCall { call_id, name, arguments }) => {
                let call = read_call(call_id.clone(), name, arguments.clone(), &param)?;
                match said.last_mut() {
                    // The calls of one answer are items of their own here.
                    Some(Said::Assistant { calls, .. }) => calls.push(call),
                    _ => said.push(Said::Assistant { text: String::new(), calls: vec![call] }),
                }
            }
            InputItem::Other(OtherItem::FunctionCallOutput { call_id: id, output }) => {
                let (text, files) = content(output, &param)?;
                if !files.is_empty() {
                    return Err(Refused::bad("only text can come out of a tool", &param));
                }
                said.push(Said::Result(CallerResult {
                    call_id: call_id(id.clone(), &param)?,
                    text,
                }));
            }
        }
    }
    Ok(said)
}

fn message_said(message: &InputMessage, param: &str) -> Result<Said<FileSource>, Refused> {
    let (text, files) = content(&message.content, param)?;
    if !files.is_empty() && message.role != InputRole::User {
        return Err(Refused::bad("only messages of the user can hold images and files", param));
    }
    Ok(match message.role {
        InputRole::User => Said::User { text, files },
        InputRole::Assistant => Said::Assistant { text, calls: Vec::new() },
        InputRole::System | InputRole::Developer => Said::Instruction(text),
    })
}

fn content(content: &InputContent, param: &str) -> Result<(String, Vec<FileSource>), Refused> {
    let parts = match content {
        InputContent::Text(text) => return Ok((plain(text.clone()), Vec::new())),
        InputContent::Parts(parts) => parts,
    };
    let (mut text, mut files) = (String::new(), Vec::new());
    for (index, part) in parts.iter().enumerate() {
        let param = format!("{param}.content[{index}]");
        match part {
            InputPart::InputText { text: more }
            | InputPart::OutputText { text: more }
            | InputPart::Refusal { refusal: more } => add_text(&mut text, &plain(more.clone())),
            InputPart::InputImage { image_url: Some(url) } => {
                files.push(FileSource::of_url(url, &param)?);
            }
            InputPart::InputFile { file_data: Some(data), filename, .. } => {
                files.push(FileSource::of_base64(data, filename.clone(), &param)?);
            }
            InputPart::InputFile { file_url: Some(url), .. } => {
                files.push(FileSource::of_url(url, &param)?);
            }
            InputPart::InputImage { image_url: None } | InputPart::InputFile { .. } => {
                let message = "only files in the request, or at a URL, can be read";
                return Err(Refused::bad(message, &param));
            }
        }
    }
    Ok((text, files))
}
