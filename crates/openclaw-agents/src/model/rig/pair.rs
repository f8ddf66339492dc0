#![expect(clippy::result_large_err, reason = "the error is rig's")]

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use rig_core::Model as RigPair;
use rig_core::completion::{CompletionRequest, ToolDefinition};
use rig_core::error::ProviderError;
use rig_core::message::{Message, ToolName};
use rig_core::operation::Completion;
use rig_core::streaming::Streamed;
use rig_core::wire::{Body, Encoded, Mode, Operation, Wire, WireFrame};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::lean::Lean;
use super::transport::Transport;

/// A provider's wire with its transport, whatever the wire.
pub(super) trait Pair: Send + Sync + fmt::Debug {
    /// The provider, as messages name their origin.
    fn provider(&self) -> &str;

    /// Sends a request whose conversation begins with these encoded messages.
    fn stream(
        &self,
        request: CompletionRequest,
        before: Option<Arc<Vec<u8>>>,
    ) -> Result<Streamed<Completion>, ProviderError>;

    /// Encodes rounds that are over, as [`Pair::stream`] takes them. `None` when this wire has no
    /// array of messages.
    ///
    /// Without tools, calls of earlier rounds are told as text.
    fn encode(
        &self,
        rounds: Vec<Message>,
        with_tools: bool,
    ) -> Result<Option<Vec<u8>>, ProviderError>;
}

/// Wraps a wire and its transport.
pub(super) fn pair<W>(model: RigPair<W>, transport: Transport) -> Arc<dyn Pair>
where
    W: Wire<Op = Completion, Payload = Encoded, Frame = WireFrame> + fmt::Debug,
{
    Arc::new(Bound { wire: model.wire, transport })
}

#[derive(Debug)]
struct Bound<W> {
    wire: W,
    transport: Transport,
}

impl<W> Pair for Bound<W>
where
    W: Wire<Op = Completion, Payload = Encoded, Frame = WireFrame> + fmt::Debug,
{
    fn provider(&self) -> &str {
        self.wire.describe().name
    }

    fn stream(
        &self,
        request: CompletionRequest,
        before: Option<Arc<Vec<u8>>>,
    ) -> Result<Streamed<Completion>, ProviderError> {
        let wire = Lean { wire: self.wire.clone(), before };
        RigPair::new(wire, self.transport.clone()).stream(request)
    }

    fn encode(
        &self,
        rounds: Vec<Message>,
        with_tools: bool,
    ) -> Result<Option<Vec<u8>>, ProviderError> {
        let mut request = CompletionRequest::new(Message::user(""));
        // Some wires refuse a request without it.
        request.max_tokens = Some(1);
        if let (true, Ok(name)) = (with_tools, ToolName::new("any")) {
            let any = ToolDefinition::new(name, "", serde_json::json!({ "type": "object" }));
            request.tools.push(any);
        }
        request.chat_history = rounds;
        // Marks that belong on the end of a conversation come to stand on this one.
        request.chat_history.push(Message::user("end"));
        let wire = Lean { wire: self.wire.clone(), before: None };
        let request = Completion::prepare(request, &wire.describe())?;
        let encoded = self.wire.encode(request, Mode::Streaming)?;
        let Body::Bytes(body) = encoded.request.body() else { return Ok(None) };
        let Some(Messages { messages }) = Messages::of(body) else { return Ok(None) };
        let Some((_end, rounds)) = messages.split_last() else { return Ok(None) };
        let length = rounds.iter().map(|message| message.get().len() + 1).sum();
        let mut bytes = Vec::with_capacity(length);
        for message in rounds {
            if !bytes.is_empty() {
                bytes.push(b',');
            }
            bytes.extend_from_slice(message.get().as_bytes());
        }
        Ok(Some(bytes))
    }
}

/// The messages of a request's body.
#[derive(Deserialize)]
struct Messages<'a> {
    #[serde(borrow)]
    messages: Vec<&'a RawValue>,
}

impl<'a> Messages<'a> {
    fn of(body: &'a [u8]) -> Option<Self> {
        serde_json::from_slice(body).ok()
    }
}

/// Puts encoded messages before those of a body, after its system prompt. `None` when the body is
/// not as expected.
pub(super) fn put_before(body: &[u8], before: &[u8]) -> Option<Vec<u8>> {
    #[derive(Deserialize)]
    struct Role<'a> {
        #[serde(borrow)]
        role: Cow<'a, str>,
    }
    let Messages { messages } = Messages::of(body)?;
    let first = messages.iter().find(|message| {
        serde_json::from_str::<Role<'_>>(message.get())
            .is_ok_and(|role| !matches!(&*role.role, "system" | "developer"))
    })?;
    // The messages are slices of the body.
    let at = (first.get().as_ptr() as usize).checked_sub(body.as_ptr() as usize)?;
    let (head, tail) = body.split_at_checked(at)?;
    let mut whole = Vec::with_capacity(body.len() + before.len() + 1);
    whole.extend_from_slice(head);
    whole.extend_from_slice(before);
    if !before.is_empty() {
        whole.push(b',');
    }
    whole.extend_from_slice(tail);
    Some(whole)
}
