use std::fmt;

use async_trait::async_trait;
use serde_json::Value;

use super::{arguments, schema};
use crate::{Tool, ToolContext, ToolDefinition, ToolError, ToolOutput};

/// A tool whose argument type is forgotten.
#[async_trait]
pub(super) trait ErasedTool: Send + Sync + fmt::Debug {
    fn name(&self) -> &'static str;
    fn definition(&self) -> &ToolDefinition;
    async fn call(&self, context: &ToolContext, arguments: Value) -> Result<ToolOutput, ToolError>;
}

#[derive(Debug)]
pub(super) struct Typed<T> {
    tool: T,
    definition: ToolDefinition,
}

impl<T: Tool> Typed<T> {
    pub(super) fn new(tool: T) -> Self {
        let definition = ToolDefinition {
            name: T::NAME.to_owned(),
            description: T::DESCRIPTION.to_owned(),
            parameters: schema::parameters::<T::Args>(),
        };
        Self { tool, definition }
    }
}

#[async_trait]
impl<T: Tool> ErasedTool for Typed<T> {
    fn name(&self) -> &'static str {
        T::NAME
    }

    fn definition(&self) -> &ToolDefinition {
        &self.definition
    }

    async fn call(&self, context: &ToolContext, arguments: Value) -> Result<ToolOutput, ToolError> {
        let arguments = arguments::parse(arguments, T::ALIASES, &self.definition.parameters)
            .map_err(|message| ToolError::InvalidArguments { tool: T::NAME.to_owned(), message })?;
        self.tool.call(context, arguments).await
    }
}
