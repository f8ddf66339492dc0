use async_trait::async_trait;
use schemars::JsonSchema;
use serde::Deserialize;

use super::{FILE_TIME_LIMIT, MAX_WRITE, WorkspaceLocks};
use crate::{Tool, ToolContext, ToolError, ToolOutput, Workspace, run_blocking};

/// `write`: makes or replaces a file.
#[derive(Debug)]
pub struct WriteTool {
    locks: WorkspaceLocks,
}

/// Arguments of `write`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WriteArgs {
    /// Relative to the workspace
    path: String,
    /// All of it
    content: String,
}

impl WriteTool {
    /// A tool that shares its locks with the other tools that change files.
    pub fn new(locks: WorkspaceLocks) -> Self {
        Self { locks }
    }
}

#[async_trait]
impl Tool for WriteTool {
    type Args = WriteArgs;

    const NAME: &'static str = "write";
    const DESCRIPTION: &'static str = "Make or replace a file in the workspace; missing folders are made. To change a part, use edit.";
    const ALIASES: &'static [(&'static str, &'static str)] = &[("file_path", "path")];

    async fn call(&self, context: &ToolContext, args: WriteArgs) -> Result<ToolOutput, ToolError> {
        let WriteArgs { path, content } = args;
        let size = content.len();
        if size as u64 > MAX_WRITE {
            let message = format!("content has {size} bytes, above the limit of {MAX_WRITE}");
            return Err(ToolError::RespondToModel(message));
        }
        let guard = self.locks.lock(context).await?;
        let root = context.workspace.clone();
        run_blocking(context, FILE_TIME_LIMIT, move |stop| {
            // Held until the work ends, even when nobody waits for it any more.
            let _guard = guard;
            stop.check()?;
            let is_new = Workspace::open(&root)?.replace(&path, content.as_bytes())?;
            let done = if is_new { "made" } else { "replaced" };
            Ok(ToolOutput::text(format!("{done} {path}, {size} bytes")))
        })
        .await
    }
}
