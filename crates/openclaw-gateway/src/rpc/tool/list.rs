use openclaw_core::ToolName;
use openclaw_errors::OpenClawError;
use openclaw_protocol::methods::{ListedTool, ToolListParams, ToolListResult};
use serde_json::Value;

use super::call::policy_of;
use crate::GatewayState;

pub(in crate::rpc) async fn run(
    state: &GatewayState,
    params: ToolListParams,
) -> Result<ToolListResult, OpenClawError> {
    let call = policy_of(state, params.session_key).await?;
    let agent = call.session_key.agent_id();
    state.tools.prepare(&agent).await;
    let tools = state.tools.definitions(&call.policy, &agent);
    let listed = tools.iter().filter_map(|tool| {
        let parameters = match &tool.parameters {
            Value::Object(parameters) => parameters.clone(),
            _ => return None,
        };
        let name = ToolName::new(tool.name.as_str()).ok()?;
        Some(ListedTool { name, description: tool.description.clone(), parameters })
    });
    Ok(ToolListResult { tools: listed.collect() })
}
