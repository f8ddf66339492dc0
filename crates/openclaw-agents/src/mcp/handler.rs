use std::sync::Arc;

use openclaw_config::McpElicitation;
use rmcp::model::{
    ClientCapabilities, ClientConfig, ElicitRequestParams, ElicitResult, ElicitationAction,
    ElicitationCapability, FormElicitationCapability, Implementation, ProtocolVersion,
};
use rmcp::service::{NotificationContext, RequestContext};
use rmcp::{ClientHandler, ErrorData, RoleClient};
use serde_json::{Map, Value};

/// What we answer a server, and what we hear from it.
///
/// It is offered no model (sampling) and no folders (roots): what it would do with them, its owner has
/// not allowed.
#[derive(Clone)]
pub(super) struct Handler {
    elicitation: McpElicitation,
    /// Told when the server says that its tools changed; must not block.
    changed: Arc<dyn Fn() + Send + Sync>,
}

impl std::fmt::Debug for Handler {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Handler").field("elicitation", &self.elicitation).finish_non_exhaustive()
    }
}

impl Handler {
    pub(super) fn new(elicitation: McpElicitation, changed: Arc<dyn Fn() + Send + Sync>) -> Self {
        Self { elicitation, changed }
    }
}

impl ClientHandler for Handler {
    fn get_info(&self) -> ClientConfig {
        let mut capabilities = ClientCapabilities::default();
        if self.elicitation == McpElicitation::Defaults {
            let form = FormElicitationCapability::new().with_schema_validation(true);
            capabilities.elicitation = Some(ElicitationCapability::new().with_form(form));
        }
        let about = Implementation::new("openclaw", env!("CARGO_PKG_VERSION"));
        // The newest version that begins with `initialize`, which every server knows.
        ClientConfig::new(capabilities, about).with_protocol_version(ProtocolVersion::V_2025_11_25)
    }

    async fn create_elicitation(
        &self,
        request: ElicitRequestParams,
        _: RequestContext<RoleClient>,
    ) -> Result<ElicitResult, ErrorData> {
        let defaults = match (self.elicitation, &request) {
            (
                McpElicitation::Defaults,
                ElicitRequestParams::FormElicitationParams { requested_schema, .. },
            ) => serde_json::to_value(requested_schema).ok().as_ref().and_then(defaults),
            _ => None,
        };
        Ok(match defaults {
            Some(content) => {
                ElicitResult::new(ElicitationAction::Accept).with_content(Value::Object(content))
            }
            None => ElicitResult::new(ElicitationAction::Decline),
        })
    }

    async fn on_tool_list_changed(&self, _: NotificationContext<RoleClient>) {
        (self.changed)();
    }
}

/// The defaults of a form; `None` where a field that is required has none.
fn defaults(schema: &Value) -> Option<Map<String, Value>> {
    let properties = schema["properties"].as_object()?;
    let content: Map<String, Value> = properties
        .iter()
        .filter_map(|(name, field)| Some((name.clone(), field.get("default")?.clone())))
        .collect();
    let required = schema["required"].as_array().map(Vec::as_slice).unwrap_or_default();
    let is_whole =
        required.iter().all(|name| name.as_str().is_some_and(|name| content.contains_key(name)));
    is_whole.then_some(content)
}

#[cfg(test)]
mod tests {
    use super::defaults;
    use serde_json::json;

    #[test]
    fn a_form_is_filled_only_where_nothing_has_to_be_asked() {
        let field = |default: bool| match default {
            true => json!({"type": "string", "default": "x"}),
            false => json!({"type": "string"}),
        };
        let form = |name, city, required| {
            let properties = json!({"name": field(name), "city": field(city)});
            json!({"type": "object", "properties": properties, "required": required})
        };
        let filled = defaults(&form(true, false, json!(["name"]))).expect("filled");
        assert_eq!(json!(filled), json!({"name": "x"}));
        assert_eq!(defaults(&form(true, false, json!(["name", "city"]))), None);
    }
}
