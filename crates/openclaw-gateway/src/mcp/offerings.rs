use std::sync::Arc;

use async_trait::async_trait;
use rmcp::ErrorData;
use rmcp::model::{
    CallToolResult, CompleteRequestParams, CompletionInfo, GetPromptResult, JsonObject, Prompt,
    ReadResourceResult, Resource, ResourceTemplate, Tool,
};

use super::Asked;

/// What a server offers.
#[derive(Clone)]
pub struct Offerings {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// What it is for, to the model that uses it.
    pub instructions: Option<String>,
    /// Tools.
    pub tools: Arc<dyn Tools>,
    /// Resources.
    pub resources: Option<Arc<dyn Resources>>,
    /// Prompts.
    pub prompts: Option<Arc<dyn Prompts>>,
    /// Completion of arguments.
    pub completion: Option<Arc<dyn Completion>>,
    /// Whether its tools send log messages.
    pub sends_logs: bool,
}

/// Tools of a server.
#[async_trait]
pub trait Tools: Send + Sync + 'static {
    /// All that this caller may be offered.
    ///
    /// # Errors
    /// What the caller is told.
    async fn list(&self, asked: &Asked) -> Result<Vec<Tool>, ErrorData>;

    /// Runs one. What the tool reports as wrong is a result that says so.
    ///
    /// # Errors
    /// What the caller is told; `invalid_params` for a tool that there is not.
    async fn call(
        &self,
        name: &str,
        arguments: JsonObject,
        asked: &Asked,
    ) -> Result<CallToolResult, ErrorData>;
}

/// Resources of a server.
#[async_trait]
pub trait Resources: Send + Sync + 'static {
    /// Those that have an address.
    ///
    /// # Errors
    /// What the caller is told.
    async fn list(&self, asked: &Asked) -> Result<Vec<Resource>, ErrorData>;

    /// Addresses with something to fill in.
    fn templates(&self) -> Vec<ResourceTemplate>;

    /// Reads one.
    ///
    /// # Errors
    /// What the caller is told.
    async fn read(&self, uri: &str, asked: &Asked) -> Result<ReadResourceResult, ErrorData>;

    /// Whether it tells of changes to resources that a client subscribed to.
    fn tells_changes(&self) -> bool;

    /// A client wants to hear of changes.
    ///
    /// # Errors
    /// What the caller is told.
    async fn subscribe(&self, uri: &str, asked: &Asked) -> Result<(), ErrorData>;

    /// It does not any more.
    ///
    /// # Errors
    /// What the caller is told.
    async fn unsubscribe(&self, uri: &str, asked: &Asked) -> Result<(), ErrorData>;
}

/// Prompts of a server.
#[async_trait]
pub trait Prompts: Send + Sync + 'static {
    /// All of them.
    fn list(&self) -> Vec<Prompt>;

    /// One of them, filled in.
    ///
    /// # Errors
    /// What the caller is told.
    async fn get(&self, name: &str, arguments: JsonObject) -> Result<GetPromptResult, ErrorData>;
}

/// Completion of arguments of prompts and templates.
#[async_trait]
pub trait Completion: Send + Sync + 'static {
    /// What an argument may become.
    ///
    /// # Errors
    /// What the caller is told.
    async fn complete(&self, request: CompleteRequestParams) -> Result<CompletionInfo, ErrorData>;
}
