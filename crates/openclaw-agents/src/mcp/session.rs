use std::path::Path;
use std::sync::Arc;

use openclaw_config::{Config, McpServer};
use rmcp::model::{CallToolResult, ServerPeerInfo, Tool};
use serde_json::{Map, Value};
use tokio_util::task::TaskTracker;

use super::connection::{Connection, Connector};
use super::program::Place;
use super::{McpError, Programs};

/// One connection to a server, outside of the servers of a gateway: for tests of a configuration.
#[derive(Debug)]
pub struct McpSession {
    connection: Connection,
    tasks: TaskTracker,
}

impl McpSession {
    /// Starts or connects to a server.
    ///
    /// # Errors
    /// Any [`McpError`] but `Paused` and `Gone`.
    pub async fn open(
        server: &McpServer,
        config: &Config,
        programs: Programs,
        state_dir: &Path,
    ) -> Result<Self, McpError> {
        let tasks = TaskTracker::new();
        let state_dir = state_dir.to_owned();
        let connector = Connector { programs, state_dir, tasks: tasks.clone() };
        let connection = connector.connect(server, &Place::of(config), Arc::new(|| {})).await?;
        Ok(Self { connection, tasks })
    }

    /// Its tools, as it lists them.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub async fn list(&self) -> Result<Vec<Tool>, McpError> {
        self.connection.list().await
    }

    /// Calls one of them by its own name.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub async fn call(
        &self,
        name: &str,
        arguments: Map<String, Value>,
    ) -> Result<CallToolResult, McpError> {
        self.connection.call(name, arguments).await
    }

    /// Ends it.
    pub async fn close(self) {
        self.connection.close().await;
        self.tasks.close();
        self.tasks.wait().await;
    }

    pub(super) fn about(&self) -> Option<Arc<ServerPeerInfo>> {
        self.connection.about()
    }
}
