use async_trait::async_trait;
use schemars::JsonSchema;
use serde::Deserialize;

use super::edit::read_text;
use super::patch::{Change, apply, parse};
use super::{FILE_TIME_LIMIT, MAX_WRITE, WorkspaceLocks};
use crate::{OpenError, Tool, ToolContext, ToolError, ToolOutput, Workspace, run_blocking};

/// `apply_patch`: changes several files at once.
#[derive(Debug)]
pub struct ApplyPatchTool {
    locks: WorkspaceLocks,
}

/// Arguments of `apply_patch`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ApplyPatchArgs {
    input: String,
}

impl ApplyPatchTool {
    /// A tool that shares its locks with the other tools that change files.
    pub fn new(locks: WorkspaceLocks) -> Self {
        Self { locks }
    }
}

/// What is to be done to one file, everything having been looked up.
enum Step {
    Write { path: String, content: String, done: &'static str },
    Remove { path: String },
}

#[async_trait]
impl Tool for ApplyPatchTool {
    type Args = ApplyPatchArgs;

    const NAME: &'static str = "apply_patch";
    const DESCRIPTION: &'static str = "Change several files by a patch: *** Begin Patch, *** Update|Add|Delete File: path, @@, lines with ' ', + or -, *** End Patch.";
    const ALIASES: &'static [(&'static str, &'static str)] = &[("patch", "input")];

    async fn call(
        &self,
        context: &ToolContext,
        args: ApplyPatchArgs,
    ) -> Result<ToolOutput, ToolError> {
        let guard = self.locks.lock(context).await?;
        let root = context.workspace.clone();
        run_blocking(context, FILE_TIME_LIMIT, move |stop| {
            // Held until the work ends, even when nobody waits for it any more.
            let _guard = guard;
            let changes = parse(&args.input)
                .map_err(|problem| ToolError::RespondToModel(format!("not applied: {problem}")))?;
            let workspace = Workspace::open(&root)?;
            // Everything is looked up before anything is written, so that a patch that does not fit
            // changes nothing.
            let mut steps = Vec::new();
            for change in changes {
                stop.check()?;
                steps.extend(plan(&workspace, change)?);
            }
            let mut done = Vec::new();
            for step in steps {
                let line = run(&workspace, step).map_err(|error| {
                    let before =
                        if done.is_empty() { "nothing".to_owned() } else { done.join(", ") };
                    ToolError::RespondToModel(format!("{error}; done before it: {before}"))
                })?;
                done.push(line);
            }
            Ok(ToolOutput::text(done.join("\n")))
        })
        .await
    }
}

fn plan(workspace: &Workspace, change: Change) -> Result<Vec<Step>, ToolError> {
    let checked = |path: String, content: String, done| {
        let (size, limit) = (content.len() as u64, MAX_WRITE);
        if size > limit {
            return Err(ToolError::from(OpenError::TooLarge { path, size, limit }));
        }
        Ok(Step::Write { path, content, done })
    };
    Ok(match change {
        Change::Add { path, content } => match workspace.read(&path) {
            Err(OpenError::NotFound { .. }) => vec![checked(path, content, "added")?],
            Err(error) => return Err(error.into()),
            Ok(_) => {
                let message = format!("not applied: {path} is there already; use Update File");
                return Err(ToolError::RespondToModel(message));
            }
        },
        Change::Delete { path } => {
            workspace.read(&path)?;
            vec![Step::Remove { path }]
        }
        Change::Update { path, moved_to, hunks } => {
            let content = apply(&read_text(workspace, &path)?, &hunks).map_err(|problem| {
                ToolError::RespondToModel(format!("not applied: {path}: {problem}"))
            })?;
            match moved_to {
                Some(target) if target != path => {
                    vec![checked(target, content, "moved to")?, Step::Remove { path }]
                }
                Some(_) | None => vec![checked(path, content, "changed")?],
            }
        }
    })
}

fn run(workspace: &Workspace, step: Step) -> Result<String, OpenError> {
    match step {
        Step::Write { path, content, done } => {
            workspace.replace(&path, content.as_bytes())?;
            Ok(format!("{done} {path}"))
        }
        Step::Remove { path } => {
            workspace.remove(&path)?;
            Ok(format!("removed {path}"))
        }
    }
}
