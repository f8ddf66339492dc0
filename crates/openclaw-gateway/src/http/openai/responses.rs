use openclaw_core::StopReason;
use openclaw_protocol::openai::{
    ChoiceWord, IncompleteDetails, InputDetails, OutputDetails, OutputItem, OutputPart, Response,
    ResponseError, ResponseEvent, ResponseEventKind as Kind, ResponseRequest, ResponseStatus,
    ResponseToolChoice, ResponseUsage,
};
use openclaw_sessions::RunEnd;
use openclaw_storage::rows::CallerCall;
use serde_json::Number;

use super::error::Refused;
use super::follow::{Events, Writer};
use super::responses_request::ID_PREFIX;

/// An answer that has just begun.
pub(super) fn begun(request: ResponseRequest, run: &str, created: i64) -> Response {
    Response {
        id: format!("{ID_PREFIX}{run}"),
        object: "response".to_owned(),
        created_at: created,
        status: ResponseStatus::InProgress,
        error: None,
        incomplete_details: None,
        instructions: request.instructions,
        max_output_tokens: request.max_output_tokens,
        model: request.model,
        output: Vec::new(),
        parallel_tool_calls: true,
        previous_response_id: request.previous_response_id,
        temperature: request.temperature.as_ref().and_then(Number::as_f64),
        top_p: request.top_p.as_ref().and_then(Number::as_f64),
        tool_choice: request.tool_choice.unwrap_or(ResponseToolChoice::Word(ChoiceWord::Auto)),
        tools: request.tools.unwrap_or_default(),
        usage: None,
        metadata: request.metadata.unwrap_or_default(),
    }
}

/// The whole answer.
pub(super) fn answer(mut response: Response, end: &RunEnd) -> Response {
    let text = end.reply.as_deref().unwrap_or_default();
    if !text.is_empty() || end.calls.is_empty() {
        response.output.push(message(&response.id, text, ResponseStatus::Completed));
    }
    for call in &end.calls {
        response.output.push(function_call(call, true));
    }
    close(&mut response, end);
    response
}

fn close(response: &mut Response, end: &RunEnd) {
    let used = end.usage.unwrap_or_default();
    response.usage = Some(ResponseUsage {
        input_tokens: used.input_tokens,
        input_tokens_details: InputDetails { cached_tokens: used.cache_read_tokens },
        output_tokens: used.output_tokens,
        output_tokens_details: OutputDetails::default(),
        total_tokens: used.input_tokens + used.output_tokens,
    });
    response.status = ResponseStatus::Completed;
    if end.stop_reason == Some(StopReason::MaxTokens) {
        response.status = ResponseStatus::Incomplete;
        response.incomplete_details =
            Some(IncompleteDetails { reason: "max_output_tokens".to_owned() });
    }
}

fn message_id(response: &str) -> String {
    format!("msg_{}", response.trim_start_matches(ID_PREFIX))
}

fn message(response: &str, text: &str, status: ResponseStatus) -> OutputItem {
    let content = match status {
        ResponseStatus::InProgress => Vec::new(),
        _ => vec![part(text)],
    };
    OutputItem::Message { id: message_id(response), role: "assistant".to_owned(), status, content }
}

fn part(text: &str) -> OutputPart {
    OutputPart::OutputText { text: text.to_owned(), annotations: Vec::new(), logprobs: Vec::new() }
}

fn call_item(call: &CallerCall) -> String {
    format!("fc_{}", call.id)
}

fn function_call(call: &CallerCall, is_whole: bool) -> OutputItem {
    OutputItem::FunctionCall {
        id: call_item(call),
        call_id: call.id.as_str().to_owned(),
        name: call.name.as_str().to_owned(),
        arguments: if is_whole { call.arguments.clone() } else { String::new() },
        status: if is_whole { ResponseStatus::Completed } else { ResponseStatus::InProgress },
    }
}

/// Writes an answer as events, in the order that OpenAI's clients expect.
#[derive(Debug)]
pub(super) struct EventWriter {
    response: Response,
    /// The text given so far, once the message has begun.
    text: Option<String>,
    next: u64,
}

impl EventWriter {
    pub(super) fn new(response: Response) -> Self {
        Self { response, text: None, next: 0 }
    }

    fn push(&mut self, event: Kind, to: &mut Events) {
        let name = event.name();
        to.push(Some(name), &ResponseEvent { sequence_number: self.next, event });
        self.next += 1;
    }

    fn item_id(&self) -> String {
        message_id(&self.response.id)
    }

    fn open_message(&mut self, to: &mut Events) {
        let item = message(&self.response.id, "", ResponseStatus::InProgress);
        self.push(Kind::ItemAdded { output_index: 0, item }, to);
        let (item_id, part) = (self.item_id(), part(""));
        self.push(Kind::PartAdded { item_id, output_index: 0, content_index: 0, part }, to);
        self.text = Some(String::new());
    }

    fn close_message(&mut self, text: String, to: &mut Events) {
        let item_id = self.item_id();
        let done = Kind::TextDone {
            item_id: item_id.clone(),
            output_index: 0,
            content_index: 0,
            text: text.clone(),
            logprobs: Vec::new(),
        };
        self.push(done, to);
        let part = part(&text);
        self.push(Kind::PartDone { item_id, output_index: 0, content_index: 0, part }, to);
        let item = message(&self.response.id, &text, ResponseStatus::Completed);
        self.response.output.push(item.clone());
        self.push(Kind::ItemDone { output_index: 0, item }, to);
    }

    fn call(&mut self, call: &CallerCall, to: &mut Events) {
        let output_index = u32::try_from(self.response.output.len()).unwrap_or(u32::MAX);
        let item_id = call_item(call);
        let item = function_call(call, false);
        self.push(Kind::ItemAdded { output_index, item }, to);
        let delta = call.arguments.clone();
        self.push(Kind::ArgumentsDelta { item_id: item_id.clone(), output_index, delta }, to);
        let (name, arguments) = (call.name.as_str().to_owned(), call.arguments.clone());
        self.push(Kind::ArgumentsDone { item_id, output_index, name, arguments }, to);
        let item = function_call(call, true);
        self.response.output.push(item.clone());
        self.push(Kind::ItemDone { output_index, item }, to);
    }
}

impl Writer for EventWriter {
    fn begin(&mut self, to: &mut Events) {
        let response = Box::new(self.response.clone());
        self.push(Kind::Created { response: response.clone() }, to);
        self.push(Kind::InProgress { response }, to);
    }

    fn text(&mut self, text: &str, to: &mut Events) {
        if self.text.is_none() {
            self.open_message(to);
        }
        let item_id = self.item_id();
        let delta = Kind::TextDelta {
            item_id,
            output_index: 0,
            content_index: 0,
            delta: text.to_owned(),
            logprobs: Vec::new(),
        };
        self.push(delta, to);
        if let Some(given) = &mut self.text {
            given.push_str(text);
        }
    }

    fn end(&mut self, end: &RunEnd, to: &mut Events) {
        if self.text.is_none() && end.calls.is_empty() {
            self.open_message(to);
        }
        if let Some(text) = self.text.take() {
            self.close_message(text, to);
        }
        for call in &end.calls {
            self.call(call, to);
        }
        close(&mut self.response, end);
        let response = Box::new(self.response.clone());
        let event = match response.status {
            ResponseStatus::Incomplete => Kind::Incomplete { response },
            _ => Kind::Completed { response },
        };
        self.push(event, to);
    }

    fn fail(&mut self, refused: &Refused, to: &mut Events) {
        self.response.status = ResponseStatus::Failed;
        self.response.error = Some(ResponseError {
            code: refused.error.code.clone().unwrap_or_else(|| "server_error".to_owned()),
            message: refused.error.message.clone(),
        });
        let response = Box::new(self.response.clone());
        self.push(Kind::Failed { response }, to);
    }
}
