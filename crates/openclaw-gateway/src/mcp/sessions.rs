use std::sync::Arc;

use async_trait::async_trait;
use rmcp::ErrorData;
use rmcp::model::{ReadResourceResult, Resource, ResourceContents, ResourceTemplate};
use serde_json::{Value, json};

use super::methods::refused;
use super::{Asked, Resources, Rpc};

const SCHEME: &str = "openclaw://sessions/";

/// Sessions as resources: what was said in them.
pub(super) struct Sessions {
    rpc: Arc<dyn Rpc>,
}

impl Sessions {
    pub(super) fn new(rpc: Arc<dyn Rpc>) -> Self {
        Self { rpc }
    }
}

#[async_trait]
impl Resources for Sessions {
    async fn list(&self, asked: &Asked) -> Result<Vec<Resource>, ErrorData> {
        let found = self.rpc.call("session.list", json!({ "limit": 100 }), asked).await;
        let found = found.map_err(refused)?;
        let sessions = found["sessions"].as_array().map(Vec::as_slice).unwrap_or_default();
        let resource = |session: &Value| {
            let key = session["session_key"].as_str()?;
            let resource = Resource::new(format!("{SCHEME}{key}"), key);
            let resource = resource.with_mime_type("application/json");
            Some(match session["label"].as_str() {
                Some(label) => resource.with_title(label),
                None => resource,
            })
        };
        Ok(sessions.iter().filter_map(resource).collect())
    }

    fn templates(&self) -> Vec<ResourceTemplate> {
        let template = ResourceTemplate::new(format!("{SCHEME}{{session_key}}"), "session");
        let description = "The newest 50 messages of a session, oldest first.";
        vec![template.with_description(description).with_mime_type("application/json")]
    }

    async fn read(&self, uri: &str, asked: &Asked) -> Result<ReadResourceResult, ErrorData> {
        let Some(key) = uri.strip_prefix(SCHEME) else {
            return Err(ErrorData::resource_not_found("there is no such resource", None));
        };
        let params = json!({ "session_key": key });
        let found = self.rpc.call("message.history", params, asked).await.map_err(refused)?;
        let contents = ResourceContents::TextResourceContents {
            uri: uri.to_owned(),
            mime_type: Some("application/json".to_owned()),
            text: found.to_string(),
            meta: None,
        };
        Ok(ReadResourceResult::new(vec![contents]))
    }

    fn tells_changes(&self) -> bool {
        false
    }

    async fn subscribe(&self, _: &str, _: &Asked) -> Result<(), ErrorData> {
        Err(ErrorData::invalid_request("messages_wait tells of new messages", None))
    }

    async fn unsubscribe(&self, _: &str, _: &Asked) -> Result<(), ErrorData> {
        Err(ErrorData::invalid_request("there are no subscriptions", None))
    }
}
