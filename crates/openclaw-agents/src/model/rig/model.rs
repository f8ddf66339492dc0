use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use openclaw_config::ProviderApi;
use openclaw_core::{Secret, StopReason, Usage};
use rig_core::completion::{
    CompletionRequest, CompletionResponse, FinishReason, OnUnsupported, ToolDefinition,
};
use rig_core::message::{
    AssistantContent, AssistantMessage, Message, StopReason as RigStop, ToolName, UserContent,
};
use rig_core::providers::anthropic::wire::{AnthropicConfig, ToolInputStreaming};
use rig_core::providers::gemini::GeminiConfig;
use rig_core::providers::ollama::OllamaConfig;
use rig_core::providers::openai::wire::{Auth, OpenAIConfig};
use rig_core::streaming::{Item, StreamEvent};
use serde_json::{Number, json};

use super::errors::Translator;
use super::http::ModelHttp;
use super::pair::{Pair, pair};
use super::transport::Transport;
use crate::context::{Encoding, Settled};
use crate::model::thinking::thinking_params;
use crate::model::{
    Candidate, Event, EventStream, Model, ModelError, ModelFacts, Prices, Reply, Request, Sampling,
};

/// Builds the model of a candidate.
///
/// # Errors
/// When the provider's settings cannot be used.
pub(crate) fn build(
    candidate: &Candidate,
    key: Option<&Secret>,
    facts: Arc<ModelFacts>,
    http: &ModelHttp,
    idle_timeout: Duration,
) -> Result<RigModel, ModelError> {
    let provider = &candidate.provider;
    let name = candidate.name();
    let mut transport = Transport::new(http.clone(), idle_timeout);
    if provider.name == "openrouter" || provider.base_url.contains("://openrouter.ai/") {
        transport = transport.attributed();
    }
    let secret = key.cloned();
    let key = key.map(Secret::expose).unwrap_or_default();
    let (base_url, model) = (provider.base_url.trim_end_matches('/'), candidate.model.as_str());
    // These wires add the version themselves.
    let root = base_url.trim_end_matches("/v1beta").trim_end_matches("/v1");
    let inner = match provider.api {
        ProviderApi::OpenAiChat => {
            let mut config = OpenAIConfig::new(key).with_base_url(base_url);
            // Some compatible servers end a reply without saying why.
            config.dialect.quirks.done_without_finish_reason = true;
            if key.is_empty() {
                config = config.with_auth(Auth::OptionalBearer);
            }
            let transport = transport.taking_documents().merging();
            pair(config.connect(transport.clone()).chat(model), transport)
        }
        ProviderApi::OpenAiResponses => {
            let config = OpenAIConfig::new(key).with_base_url(base_url);
            pair(config.connect(transport.clone()).responses(model), transport)
        }
        ProviderApi::AnthropicMessages => {
            let config = AnthropicConfig::new(key).with_base_url(base_url);
            let mut model = config.connect(transport.clone()).completion(model);
            model.wire =
                model.wire.with_tool_input_streaming(ToolInputStreaming::Off).with_prompt_caching();
            pair(model, transport)
        }
        ProviderApi::Gemini => {
            let config = GeminiConfig::new(key).with_base_url(root);
            pair(config.connect(transport.clone()).completion(model), transport)
        }
        ProviderApi::Ollama => {
            let mut config = OllamaConfig::new().with_base_url(root);
            config.api_key = key.into();
            pair(config.connect(transport.clone()).native_completion(model), transport)
        }
    };
    Ok(RigModel {
        translator: Translator::new(name.clone(), secret),
        name,
        api: provider.api,
        facts,
        model: candidate.model.clone(),
        inner,
    })
}

/// The window of a local model, in tokens.
const USUAL_LOCAL_WINDOW: u64 = 32_768;

/// A model through rig.
#[derive(Debug)]
pub(crate) struct RigModel {
    name: String,
    model: String,
    api: ProviderApi,
    facts: Arc<ModelFacts>,
    translator: Translator,
    inner: Arc<dyn Pair>,
}

impl RigModel {
    /// The request, and what of the conversation is encoded already.
    fn completion_request(&self, request: &Request) -> (CompletionRequest, Option<Arc<Vec<u8>>>) {
        let before = self.encoded_before(&request.settled, !request.tools.is_empty());
        let unencoded = if before.is_some() { &[] } else { request.settled.messages() };
        let thinking = thinking_params(self.api, &self.model, &self.facts, request.thinking);
        let thinks = thinking.params.is_some();
        let mut params = thinking.params;
        if self.api == ProviderApi::OpenAiResponses {
            // What people say to their assistant is not kept by the provider.
            params.get_or_insert_with(|| json!({}))["store"] = json!(false);
        }
        let mut history = Vec::with_capacity(unencoded.len() + request.messages.len() + 1);
        history.push(Message::system(&*request.system));
        let messages = unencoded.iter().chain(request.messages.iter());
        history.extend(messages.filter_map(|message| self.fitted(message)));
        let tools = request.tools.iter().filter_map(|tool| {
            let name = ToolName::new(tool.name.as_str()).ok()?;
            Some(ToolDefinition::new(name, tool.description.as_str(), tool.parameters.clone()))
        });
        let mut completion = CompletionRequest::new(Message::user(""));
        completion.chat_history = history;
        completion.tools = tools.collect();
        completion.tool_choice = request.tool_choice.clone();
        let asked = request.max_output.unwrap_or(thinking.max_tokens);
        completion.max_tokens = Some(asked.min(thinking.max_tokens));
        completion.additional_params = params;
        if self.api == ProviderApi::Ollama {
            let params = completion.additional_params.get_or_insert_with(|| json!({}));
            params["num_ctx"] = json!(self.window_to_keep());
        }
        self.sample(&mut completion, &request.sampling, thinks);
        (completion, before)
    }

    /// The window that a local server is told to keep: that of a large model would not fit into its
    /// memory, unless the owner says so.
    fn window_to_keep(&self) -> u64 {
        self.facts.own_window.unwrap_or(self.facts.context_window.min(USUAL_LOCAL_WINDOW))
    }

    /// Sets how the next word is chosen; what this model cannot be told is left out.
    fn sample(&self, completion: &mut CompletionRequest, sampling: &Sampling, thinks: bool) {
        if sampling.is_default() {
            return;
        }
        // Claude refuses other temperatures than its own while it thinks.
        if !(thinks && self.api == ProviderApi::AnthropicMessages) {
            completion.temperature = sampling.temperature.as_ref().and_then(Number::as_f64);
            completion.options.top_p = sampling.top_p.as_ref().and_then(Number::as_f64);
        }
        completion.options.stop = sampling.stop.clone();
        completion.options.on_unsupported = Some(OnUnsupported::Ignore);
    }

    /// The encoding of the rounds that are over; what is missing of it is made. `None` where they
    /// have to be encoded with the rest.
    fn encoded_before(&self, settled: &Settled, with_tools: bool) -> Option<Arc<Vec<u8>>> {
        let apart = matches!(self.api, ProviderApi::OpenAiChat | ProviderApi::AnthropicMessages);
        if !apart || !settled.is_plain() || settled.messages().is_empty() {
            return None;
        }
        let kept = settled.take_encoding();
        let mut encoding = kept
            .filter(|kept| *kept.model == *self.name && kept.with_tools == with_tools)
            .unwrap_or_else(|| Encoding {
                model: self.name.as_str().into(),
                with_tools,
                messages: 0,
                bytes: Arc::default(),
            });
        let missing = settled.messages().get(encoding.messages..).unwrap_or_default();
        if !missing.is_empty() {
            let rounds = missing.iter().filter_map(|message| self.fitted(message)).collect();
            let added = match self.inner.encode(rounds, with_tools) {
                Ok(added) => added?,
                // The request as a whole will say what is wrong.
                Err(error) => {
                    tracing::debug!(%error, "rounds that are over cannot be encoded alone");
                    return None;
                }
            };
            let bytes = Arc::make_mut(&mut encoding.bytes);
            if !bytes.is_empty() && !added.is_empty() {
                bytes.push(b',');
            }
            bytes.extend_from_slice(&added);
            encoding.messages = settled.messages().len();
        }
        let bytes = encoding.bytes.clone();
        settled.keep_encoding(encoding);
        Some(bytes)
    }

    /// The message as this model can take it: thinking of another model would be sent as plain
    /// text, and images to a model that sees none are refused.
    fn fitted(&self, message: &Message) -> Option<Message> {
        match message {
            Message::Assistant(turn) if self.is_foreign(turn) => {
                let kept: Vec<_> = turn
                    .content
                    .iter()
                    .filter(|block| {
                        !matches!(
                            block,
                            AssistantContent::Reasoning(_) | AssistantContent::Opaque(_)
                        )
                    })
                    .cloned()
                    .collect();
                (!kept.is_empty()).then(|| Message::Assistant(turn.clone().with_content(kept)))
            }
            Message::User { content } if !self.facts.images && content.iter().any(is_image) => {
                let content = content.iter().map(|block| match block {
                    UserContent::Image(_) => {
                        UserContent::text("[an image, which this model cannot see]")
                    }
                    other => other.clone(),
                });
                Some(Message::User { content: content.collect() })
            }
            other => Some(other.clone()),
        }
    }

    fn is_foreign(&self, turn: &AssistantMessage) -> bool {
        turn.origin.as_ref().is_some_and(|origin| {
            origin.model != self.model || origin.provider != self.inner.provider()
        })
    }

    fn reply(
        name: &str,
        prices: Option<Prices>,
        translator: &Translator,
        response: CompletionResponse,
    ) -> Result<Reply, ModelError> {
        let stop = response.stop();
        if let RigStop::Error(reason) | RigStop::Aborted(reason) = &stop {
            return Err(translator.refused(reason));
        }
        let reason = match response.finish_reason() {
            Some(FinishReason::Length) => StopReason::MaxTokens,
            _ => StopReason::EndTurn,
        };
        let mut usage = Usage {
            input_tokens: response.usage.input_tokens.unwrap_or_default(),
            output_tokens: response.usage.output_tokens.unwrap_or_default(),
            cache_read_tokens: response.usage.cached_input_tokens.unwrap_or_default(),
            cache_write_tokens: response.usage.cache_creation_input_tokens.unwrap_or_default(),
            model_calls: 1,
            cost_micro_usd: 0,
        };
        usage.cost_micro_usd = prices.map_or(0, |prices| prices.cost(&usage));
        let choice = response.choice.into_iter().map(repeatable).collect();
        let message = AssistantMessage::new(choice).with_origin(response.origin).with_stop(stop);
        Ok(Reply { model: name.to_owned(), message, usage, stop: reason })
    }
}

/// The block as it may go back to the provider: arguments that are no JSON stand in the provider's
/// own item too, which would be sent as it is.
fn repeatable(block: AssistantContent) -> AssistantContent {
    match block {
        AssistantContent::ToolCall(mut call) if call.function.invalid_arguments.is_some() => {
            call.native = None;
            AssistantContent::ToolCall(call)
        }
        other => other,
    }
}

fn is_image(block: &UserContent) -> bool {
    matches!(block, UserContent::Image(_))
}

impl Model for RigModel {
    fn name(&self) -> &str {
        &self.name
    }

    fn stream(&self, request: Request) -> EventStream {
        let (name, translator) = (self.name.clone(), self.translator.clone());
        let prices = self.facts.prices;
        let (completion, before) = self.completion_request(&request);
        let opened = self.inner.stream(completion, before);
        Box::pin(async_stream::stream! {
            let mut reply = match opened {
                Ok(reply) => reply,
                Err(error) => {
                    yield Err(translator.translate(&error));
                    return;
                }
            };
            while let Some(item) = reply.next().await {
                match item {
                    Ok(Item::Event(StreamEvent::Text { text, .. })) => yield Ok(Event::Text(text)),
                    Ok(Item::Event(StreamEvent::Reasoning { text, .. })) => {
                        yield Ok(Event::Thinking(text));
                    }
                    Ok(Item::Event(_) | Item::Unknown(_)) => {}
                    Err(error) => {
                        yield Err(translator.translate(&error));
                        return;
                    }
                }
            }
            yield match reply.finish().await {
                Ok(response) => Self::reply(&name, prices, &translator, response)
                    .map(|reply| Event::Finished(Box::new(reply))),
                Err(error) => Err(translator.translate(&error)),
            };
        })
    }
}
