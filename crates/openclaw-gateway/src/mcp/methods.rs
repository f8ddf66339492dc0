use std::sync::Arc;

use async_trait::async_trait;
use openclaw_protocol::Method;
use openclaw_protocol::methods as m;
use rmcp::ErrorData;
use rmcp::model::{CallToolResult, ContentBlock, ErrorCode, JsonObject, Tool};
use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde_json::{Value, json};

use super::{Asked, Rpc, RpcError, Tools};

/// Tools that act on sessions and the gateway itself; they are for the agent, not for programs.
const NOT_OFFERED: [&str; 4] = ["sessions_spawn", "sessions_send", "gateway", "whatsapp_login"];

/// A method as a tool: its params are the arguments.
struct Offered {
    tool: &'static str,
    method: &'static str,
    description: &'static str,
    schema: fn() -> JsonObject,
}

fn offered<M: Method>(tool: &'static str, description: &'static str) -> Offered
where
    M::Params: JsonSchema,
{
    Offered { tool, method: M::NAME, description, schema: schema::<M::Params> }
}

/// The methods that are tools, in the order they are listed.
fn table() -> [Offered; 9] {
    [
        offered::<m::SessionList>(
            "conversations_list",
            "Lists the assistant's conversations, the most recent first.",
        ),
        offered::<m::SessionGet>("conversation_get", "Gives one conversation by its session key."),
        offered::<m::MessageHistory>(
            "messages_read",
            "Reads the newest messages of a conversation, oldest first.",
        ),
        offered::<m::MessageReceive>(
            "messages_wait",
            "Waits for new messages of a conversation, in both directions.",
        ),
        offered::<m::MessageSearch>("messages_search", "Finds messages by their words."),
        offered::<m::MessageSend>(
            "messages_send",
            "Sends a message into a chat as the assistant; channel_id and chat_id are those of a conversation.",
        ),
        offered::<m::AgentRun>("agent_run", "Asks the assistant and waits for its reply."),
        offered::<m::ApprovalList>(
            "permissions_list_open",
            "Lists what waits for the owner's approval.",
        ),
        offered::<m::ApprovalResolve>(
            "permissions_respond",
            "Answers what waits for approval; exactly what was shown is done.",
        ),
    ]
}

/// The gateway's methods, and after them the tools that its assistant works with.
pub(super) struct Methods {
    rpc: Arc<dyn Rpc>,
}

impl Methods {
    pub(super) fn new(rpc: Arc<dyn Rpc>) -> Self {
        Self { rpc }
    }

    async fn assistants(&self, asked: &Asked) -> Result<Vec<Tool>, ErrorData> {
        let listed = match self.rpc.call(m::ToolList::NAME, json!({}), asked).await {
            Ok(listed) => listed,
            // Whoever may not call tools is offered none.
            Err(error) if error.code == -32002 => return Ok(Vec::new()),
            Err(error) => return Err(refused(error)),
        };
        let listed: m::ToolListResult = serde_json::from_value(listed)
            .map_err(|error| ErrorData::internal_error(error.to_string(), None))?;
        let tools = listed.tools.into_iter();
        let tools = tools.filter(|tool| !NOT_OFFERED.contains(&tool.name.as_str()));
        Ok(tools
            .map(|tool| Tool::new(tool.name.into_string(), tool.description, tool.parameters))
            .collect())
    }
}

#[async_trait]
impl Tools for Methods {
    async fn list(&self, asked: &Asked) -> Result<Vec<Tool>, ErrorData> {
        let own = table();
        let mut tools: Vec<Tool> = own
            .iter()
            .map(|offered| Tool::new(offered.tool, offered.description, (offered.schema)()))
            .collect();
        let others = self.assistants(asked).await?;
        tools.extend(others.into_iter().filter(|tool| own.iter().all(|own| own.tool != tool.name)));
        Ok(tools)
    }

    async fn call(
        &self,
        name: &str,
        mut arguments: JsonObject,
        asked: &Asked,
    ) -> Result<CallToolResult, ErrorData> {
        if let Some(offered) = table().into_iter().find(|offered| offered.tool == name) {
            if offered.method == m::AgentRun::NAME {
                arguments.entry("wait").or_insert(Value::Bool(true));
            }
            let called = self.rpc.call(offered.method, Value::Object(arguments), asked).await;
            return Ok(match called {
                Ok(result) => {
                    let mut outcome =
                        CallToolResult::success(vec![ContentBlock::text(result.to_string())]);
                    outcome.structured_content = Some(result);
                    outcome
                }
                Err(error) => failed(&error),
            });
        }
        if NOT_OFFERED.contains(&name) {
            return Err(ErrorData::invalid_params(format!("there is no tool {name:?}"), None));
        }
        let params = json!({ "name": name, "arguments": arguments });
        match self.rpc.call(m::ToolCall::NAME, params, asked).await {
            Ok(result) => {
                let text = result["result"].as_str().unwrap_or_default();
                let content = vec![ContentBlock::text(text)];
                Ok(match result["is_error"].as_bool() {
                    Some(true) => CallToolResult::error(content),
                    _ => CallToolResult::success(content),
                })
            }
            Err(error) if error.code == -32003 => Err(refused(error)),
            Err(error) => Ok(failed(&error)),
        }
    }
}

/// What the model that called can read and act on.
fn failed(error: &RpcError) -> CallToolResult {
    CallToolResult::error(vec![ContentBlock::text(error.message.clone())])
}

pub(super) fn refused(error: RpcError) -> ErrorData {
    match error.code {
        -32003 => ErrorData::invalid_params(error.message, None),
        code => ErrorData::new(ErrorCode(code), error.message, None),
    }
}

/// The schema of a method's params, nothing referenced.
fn schema<T: JsonSchema>() -> JsonObject {
    let settings = SchemaSettings::draft2020_12().with(|settings| {
        settings.inline_subschemas = true;
        settings.meta_schema = None;
    });
    let schema = settings.into_generator().into_root_schema_for::<T>();
    let mut object = match schema.to_value() {
        Value::Object(object) => object,
        _ => JsonObject::new(),
    };
    object.shift_remove("title");
    object.shift_remove("description");
    object.entry("type").or_insert_with(|| Value::from("object"));
    object
}
