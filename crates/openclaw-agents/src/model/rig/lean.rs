use std::sync::Arc;

use rig_core::error::EncodeError;
use rig_core::operation::Completion;
use rig_core::wire::document::{Reassemble, Serves};
use rig_core::wire::{Body, Descriptor, Encoded, Mode, Request, Wire};

use super::pair::put_before;

/// A completion wire that does neither encode again what was encoded before nor rebuild the
/// provider's document from its frames: nobody reads it here, and rebuilding it is a third of a
/// streamed reply's cost.
#[derive(Debug, Clone)]
pub(super) struct Lean<W> {
    pub(super) wire: W,
    /// The beginning of the conversation.
    pub(super) before: Option<Arc<Vec<u8>>>,
}

/// Rebuilds nothing.
#[derive(Debug, Default)]
pub(super) struct Nothing;

impl<Frame> Reassemble<Frame> for Nothing {
    fn absorb(&mut self, _: &Frame) {}

    fn finish(self) -> serde_json::Value {
        serde_json::Value::Null
    }
}

impl Serves<Completion> for Nothing {}

impl<W> Wire for Lean<W>
where
    W: Wire<Op = Completion, Payload = Encoded> + std::fmt::Debug,
{
    type Op = Completion;
    type Payload = Encoded;
    type Frame = W::Frame;
    type Decoder<'id> = W::Decoder<'id>;
    type Reassembler = Nothing;

    fn describe(&self) -> Descriptor<'_> {
        let described = self.wire.describe();
        match described.replay {
            Some(_) => described.replay(self),
            None => described,
        }
    }

    fn encode(&self, request: Request<Self>, mode: Mode) -> Result<Encoded, EncodeError> {
        let mut encoded = self.wire.encode(request, mode)?;
        let Some(before) = &self.before else { return Ok(encoded) };
        let body = encoded.request.body_mut();
        let whole = match &*body {
            Body::Bytes(bytes) => put_before(bytes, before),
            Body::Multipart(_) => None,
        };
        *body = Body::Bytes(whole.ok_or_else(|| {
            EncodeError::request("the provider's request has no list of messages")
        })?);
        Ok(encoded)
    }

    fn decoder<'id>(&self) -> Self::Decoder<'id> {
        self.wire.decoder()
    }
}
