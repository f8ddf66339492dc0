use std::ops::ControlFlow;
use std::path::Path;

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::Deserialize;

use super::walk::{Skipped, Walk, WalkError};
use super::{MAX_TEXT, WALK_TIME_LIMIT};
use crate::platform::{Beneath, EntryKind};
use crate::{
    Stop, StopReason, Stopped, Tool, ToolContext, ToolError, ToolOutput, Workspace, run_blocking,
};

const DEFAULT_ENTRIES: usize = 200;
const MAX_ENTRIES: usize = 2_000;

/// `list`: what is in a folder.
#[derive(Debug, Clone, Copy)]
pub struct ListTool;

/// Arguments of `list`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ListArgs {
    /// Default: the workspace
    path: Option<String>,
    /// Levels, default 1
    depth: Option<usize>,
    /// Entries, default 200
    limit: Option<usize>,
}

#[async_trait]
impl Tool for ListTool {
    type Args = ListArgs;

    const NAME: &'static str = "list";
    const DESCRIPTION: &'static str =
        "List a folder of the workspace; folders end in /. What .gitignore excludes is left out.";
    const ALIASES: &'static [(&'static str, &'static str)] =
        &[("file_path", "path"), ("directory", "path")];

    async fn call(&self, context: &ToolContext, args: ListArgs) -> Result<ToolOutput, ToolError> {
        let root = context.workspace.clone();
        run_blocking(context, WALK_TIME_LIMIT, move |stop| {
            let workspace = Workspace::open(&root)?;
            let path = args.path.as_deref().unwrap_or(".");
            let limit = args.limit.unwrap_or(DEFAULT_ENTRIES).clamp(1, MAX_ENTRIES);
            let depth = args.depth.unwrap_or(1).max(1);
            list(&workspace, path, depth, limit, stop).map(ToolOutput::text)
        })
        .await
    }
}

fn list(
    workspace: &Workspace,
    path: &str,
    depth: usize,
    limit: usize,
    stop: &Stop,
) -> Result<String, ToolError> {
    let mut text = String::new();
    let mut count = 0;
    let mut is_full = false;
    let walked = Walk::new(stop, depth).run(workspace, path, &mut |visited| {
        if count == limit || text.len() >= MAX_TEXT {
            is_full = true;
            return Ok(ControlFlow::Break(()));
        }
        count += 1;
        text.push_str(&visited.path.to_string_lossy());
        match visited.kind {
            EntryKind::File => {}
            EntryKind::Folder => text.push('/'),
            EntryKind::Link => match visited.folder.link_target(Path::new(visited.name)) {
                Ok(Some(target)) => text.push_str(&format!(" -> {}", target.display())),
                Ok(None) | Err(_) => text.push_str(" -> ?"),
            },
            EntryKind::Other => text.push_str(" (pipe, device or socket)"),
        }
        text.push('\n');
        Ok(ControlFlow::Continue(()))
    });
    let skipped = match walked {
        Ok(skipped) => skipped,
        Err(WalkError::Failed(error)) => return Err(error),
        Err(WalkError::Stopped(Stopped(StopReason::Cancelled))) => {
            return Err(ToolError::Cancelled);
        }
        Err(WalkError::Stopped(Stopped(StopReason::TimeLimit))) => {
            text.push_str("[stopped by the time limit; list a folder further down]");
            return Ok(text);
        }
    };
    text.push_str(&remarks(count, is_full, skipped));
    Ok(text)
}

fn remarks(count: usize, is_full: bool, skipped: Skipped) -> String {
    let mut remarks = Vec::new();
    if is_full {
        remarks.push(format!("only the first {count}; list a folder further down or raise limit"));
    } else if count == 0 {
        remarks.push("nothing to list".to_owned());
    }
    if skipped.ignored > 0 {
        remarks.push(format!("{} left out by .gitignore", skipped.ignored));
    }
    if skipped.unreadable > 0 {
        remarks.push(format!("{} folders could not be opened", skipped.unreadable));
    }
    if remarks.is_empty() { String::new() } else { format!("[{}]", remarks.join("; ")) }
}
