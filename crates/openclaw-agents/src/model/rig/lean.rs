use rig_core::error::EncodeError;
use rig_core::operation::Completion;
use rig_core::wire::document::{Reassemble, Serves};
use rig_core::wire::{Descriptor, Mode, Request, Wire};

/// A completion wire that does not rebuild the provider's document from its frames: nobody reads
/// it here, and rebuilding it is a third of a streamed reply's cost.
#[derive(Debug, Clone)]
pub(super) struct Lean<W>(pub(super) W);

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

impl<W: Wire<Op = Completion>> Wire for Lean<W> {
    type Op = Completion;
    type Payload = W::Payload;
    type Frame = W::Frame;
    type Decoder<'id> = W::Decoder<'id>;
    type Reassembler = Nothing;

    fn describe(&self) -> Descriptor<'_> {
        self.0.describe()
    }

    fn encode(&self, request: Request<Self>, mode: Mode) -> Result<Self::Payload, EncodeError> {
        self.0.encode(request, mode)
    }

    fn decoder<'id>(&self) -> Self::Decoder<'id> {
        self.0.decoder()
    }
}
