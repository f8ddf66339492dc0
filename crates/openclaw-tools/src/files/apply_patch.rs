use std::collections::HashSet;

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
            let mut seen = HashSet::new();
            for change in changes {
                stop.check()?;
                let change = without_idle_move(&workspace, change)?;
                for path in paths(&change) {
                    // Every section was looked up in the files as they are.
                    if !seen.insert(workspace.resolved(path)?) {
                        let message = format!(
                            "not applied: {path} is changed twice; put its changes in one section"
                        );
                        return Err(ToolError::RespondToModel(message));
                    }
                }
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

/// A file that is moved to where it stands, however that is spelt, is not moved.
fn without_idle_move(workspace: &Workspace, mut change: Change) -> Result<Change, OpenError> {
    if let Change::Update { path, moved_to, .. } = &mut change
        && let Some(target) = moved_to
        && workspace.resolved(target)? == workspace.resolved(path)?
    {
        *moved_to = None;
    }
    Ok(change)
}

/// The files a change is about.
fn paths(change: &Change) -> impl Iterator<Item = &str> {
    let (path, target) = match change {
        Change::Add { path, .. } | Change::Delete { path } => (path, None),
        Change::Update { path, moved_to, .. } => (path, moved_to.as_ref()),
    };
    std::iter::once(path).chain(target).map(String::as_str)
}

fn plan(workspace: &Workspace, change: Change) -> Result<Vec<Step>, ToolError> {
    let checked = |path: String, content: String, done| {
        let (size, limit) = (content.len() as u64, MAX_WRITE);
        if size > limit {
            return Err(ToolError::from(OpenError::TooLarge { path, size, limit }));
        }
        Ok(Step::Write { path, content, done })
    };
    let must_be_new = |path: &str, hint: &str| match workspace.read(path) {
        Err(OpenError::NotFound { .. }) => Ok(()),
        Err(error) => Err(error.into()),
        Ok(_) => {
            let message = format!("not applied: {path} is there already; {hint}");
            Err(ToolError::RespondToModel(message))
        }
    };
    Ok(match change {
        Change::Add { path, content } => {
            must_be_new(&path, "use Update File")?;
            vec![checked(path, content, "added")?]
        }
        Change::Delete { path } => {
            workspace.read(&path)?;
            vec![Step::Remove { path }]
        }
        Change::Update { path, moved_to, hunks } => {
            let content = apply(&read_text(workspace, &path)?, &hunks).map_err(|problem| {
                ToolError::RespondToModel(format!("not applied: {path}: {problem}"))
            })?;
            match moved_to {
                Some(target) => {
                    must_be_new(&target, "delete it by itself first")?;
                    vec![checked(target, content, "moved to")?, Step::Remove { path }]
                }
                None => vec![checked(path, content, "changed")?],
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
