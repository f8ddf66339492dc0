use openclaw_config::McpServer;
use openclaw_storage::{Batch, Storage, Write};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::foreign::ForeignTool;

/// The largest list of tools that is kept, in bytes.
const LARGEST: usize = 2 * 1024 * 1024;

/// What is known of a server's tools from the last time.
#[derive(Serialize, Deserialize)]
struct Stored {
    /// Of the settings that the list was had with.
    fingerprint: String,
    tools: Vec<ForeignTool>,
}

fn key(server: &McpServer) -> String {
    format!("mcp/tools/{}", server.name)
}

/// Changes where the settings lead to another server. Secrets are not in it.
fn fingerprint(server: &McpServer) -> String {
    hex::encode(Sha256::digest(format!("{:?}", server.transport)))
}

/// The tools as they were, if the settings are the same.
pub(super) async fn load(storage: &dyn Storage, server: &McpServer) -> Option<Vec<ForeignTool>> {
    let text = match storage.value(&key(server)).await {
        Ok(text) => text?,
        Err(error) => {
            tracing::warn!(server = server.name, %error, "what is known of an MCP server could not be read");
            return None;
        }
    };
    let stored: Stored = serde_json::from_str(&text).ok()?;
    (stored.fingerprint == fingerprint(server)).then_some(stored.tools)
}

/// Keeps the tools.
pub(super) async fn save(storage: &dyn Storage, server: &McpServer, tools: &[ForeignTool]) {
    let stored = Stored { fingerprint: fingerprint(server), tools: tools.to_vec() };
    let text = match serde_json::to_string(&stored) {
        Ok(text) if text.len() <= LARGEST => text,
        Ok(text) => {
            tracing::warn!(
                server = server.name,
                bytes = text.len(),
                "the list of an MCP server's tools is too large to be kept"
            );
            return;
        }
        Err(error) => {
            tracing::warn!(server = server.name, %error, "an MCP server's tools could not be written down");
            return;
        }
    };
    let write = Write::PutValue { key: key(server), value: text, expect: None };
    if let Err(error) = storage.apply(Batch::new().with(write)).await {
        tracing::warn!(server = server.name, %error, "an MCP server's tools could not be kept");
    }
}
