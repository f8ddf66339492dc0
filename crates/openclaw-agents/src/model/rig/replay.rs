use rig_core::completion::CompletionRequest;
use rig_core::completion::history::{Accepts, LaterSystem, Media, Pairing, ReplayTarget};
use rig_core::completion::options::{OptionFields, OptionMap};
use rig_core::message::{Api, AssistantContent, Origin};
use rig_core::operation::Completion;
use rig_core::wire::{Encoded, Wire};
use serde_json::{Map, Value};

use super::lean::Lean;

impl<W: Wire<Op = Completion, Payload = Encoded>> Lean<W> {
    fn target(&self) -> &dyn ReplayTarget {
        self.wire
            .describe()
            .replay
            .expect("only a wire with a target describes this one as its own")
    }
}

/// The wire's own target, of which rig does not ask for a digest of the tools and the system prompt
/// where nothing depends on it: making it costs as much as encoding the request.
impl<W> ReplayTarget for Lean<W>
where
    W: Wire<Op = Completion, Payload = Encoded> + std::fmt::Debug,
{
    fn drops_unbound_items(&self, request: &CompletionRequest) -> bool {
        let model = request.model.as_deref().unwrap_or_else(|| self.model());
        !self.binds_context(model) || self.target().drops_unbound_items(request)
    }

    fn api(&self) -> Api {
        self.target().api()
    }

    fn provider(&self) -> &str {
        self.target().provider()
    }

    fn model(&self) -> &str {
        self.target().model()
    }

    fn accepts(&self, model: &str) -> Accepts {
        self.target().accepts(model)
    }

    fn map_options(&self, request: &CompletionRequest, fields: OptionFields<'_>) -> OptionMap {
        self.target().map_options(request, fields)
    }

    fn encodes(&self, model: &str, media: Media<'_>) -> bool {
        self.target().encodes(model, media)
    }

    fn normalize_tool_call_id(&self, id: &str, model: &str, source: Option<&Origin>) -> String {
        self.target().normalize_tool_call_id(id, model, source)
    }

    fn continues_stored(&self, request: &CompletionRequest) -> bool {
        self.target().continues_stored(request)
    }

    fn declares_tools(&self, request: &CompletionRequest) -> bool {
        self.target().declares_tools(request)
    }

    fn identity(&self, item: &Value) -> Map<String, Value> {
        self.target().identity(item)
    }

    fn call_id_slot(&self) -> Option<&'static str> {
        self.target().call_id_slot()
    }

    fn states_finish_reason(&self) -> bool {
        self.target().states_finish_reason()
    }

    fn binds_context(&self, model: &str) -> bool {
        self.target().binds_context(model)
    }

    fn route(&self, request: &CompletionRequest) -> Option<&dyn ReplayTarget> {
        self.target().route(request)
    }

    fn takes_documents(&self) -> bool {
        self.target().takes_documents()
    }

    fn needs_next(&self, item: &Value) -> bool {
        self.target().needs_next(item)
    }

    fn hosted_pair(&self, item: &Value) -> Option<(Pairing, String)> {
        self.target().hosted_pair(item)
    }

    fn starts_with_user(&self) -> bool {
        self.target().starts_with_user()
    }

    fn later_system(&self, model: &str) -> LaterSystem {
        self.target().later_system(model)
    }

    fn alternates_roles(&self) -> bool {
        self.target().alternates_roles()
    }

    fn hosted_needs_tools(&self) -> bool {
        self.target().hosted_needs_tools()
    }

    fn result_parts(&self, model: &str) -> bool {
        self.target().result_parts(model)
    }

    fn sends_alone(&self, block: &AssistantContent) -> bool {
        self.target().sends_alone(block)
    }
}
