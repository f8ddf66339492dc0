use std::io::Read;

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::Deserialize;

use super::{FILE_TIME_LIMIT, MAX_WRITE, WorkspaceLocks, near};
use crate::{OpenError, Tool, ToolContext, ToolError, ToolOutput, Workspace, run_blocking};

/// `edit`: replaces one piece of text.
#[derive(Debug)]
pub struct EditTool {
    locks: WorkspaceLocks,
}

/// Arguments of `edit`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EditArgs {
    /// Relative to the workspace
    path: String,
    /// As it stands in the file, with enough around it to occur once
    old_text: String,
    /// What stands there afterwards
    new_text: String,
}

impl EditTool {
    /// A tool that shares its locks with the other tools that change files.
    pub fn new(locks: WorkspaceLocks) -> Self {
        Self { locks }
    }
}

#[async_trait]
impl Tool for EditTool {
    type Args = EditArgs;

    const NAME: &'static str = "edit";
    const DESCRIPTION: &'static str =
        "Replace one piece of text in a file. old_text must occur exactly once.";
    const ALIASES: &'static [(&'static str, &'static str)] = &[
        ("file_path", "path"),
        ("oldText", "old_text"),
        ("old_string", "old_text"),
        ("newText", "new_text"),
        ("new_string", "new_text"),
    ];

    async fn call(&self, context: &ToolContext, args: EditArgs) -> Result<ToolOutput, ToolError> {
        let guard = self.locks.lock(context).await?;
        let root = context.workspace.clone();
        run_blocking(context, FILE_TIME_LIMIT, move |stop| {
            // Held until the work ends, even when nobody waits for it any more.
            let _guard = guard;
            let EditArgs { path, old_text, new_text } = args;
            let workspace = Workspace::open(&root)?;
            let content = read_text(&workspace, &path)?;
            let edit = Edit::find(&content, &old_text, &new_text)
                .map_err(|problem| ToolError::RespondToModel(format!("{path}: {problem}")))?;
            let changed = edit.apply(&content);
            if changed.len() as u64 > MAX_WRITE {
                let limit = MAX_WRITE;
                return Err(OpenError::TooLarge { path, size: changed.len() as u64, limit }.into());
            }
            stop.check()?;
            workspace.replace(&path, changed.as_bytes())?;
            Ok(ToolOutput::text(format!("edited {path} at line {}", edit.line(&content))))
        })
        .await
    }
}

pub(super) fn read_text(workspace: &Workspace, path: &str) -> Result<String, ToolError> {
    let opened = workspace.read(path)?;
    let limit = MAX_WRITE;
    if opened.size > limit {
        return Err(OpenError::TooLarge { path: path.to_owned(), size: opened.size, limit }.into());
    }
    let mut bytes = Vec::new();
    opened
        .file
        .take(limit)
        .read_to_end(&mut bytes)
        .map_err(|error| ToolError::RespondToModel(format!("cannot read {path}: {error}")))?;
    String::from_utf8(bytes).map_err(|_| {
        ToolError::RespondToModel(format!("{path} is not UTF-8 text; edit changes text only"))
    })
}

/// One replacement: where, how long, by what.
#[derive(Debug, PartialEq, Eq)]
struct Edit {
    at: usize,
    length: usize,
    new_text: String,
}

impl Edit {
    /// Finds the one place of `old_text`. Where the file ends its lines with CRLF and the texts do
    /// not, they are taken to.
    fn find(content: &str, old_text: &str, new_text: &str) -> Result<Self, String> {
        if old_text.is_empty() {
            return Err("old_text is empty; use write for a new file".to_owned());
        }
        let has_crlf = content.contains("\r\n");
        let only_crlf =
            has_crlf && content.matches('\n').count() == content.matches("\r\n").count();
        let as_crlf = |text: &str| text.replace("\r\n", "\n").replace('\n', "\r\n");
        let new_in = |style: bool| if style { as_crlf(new_text) } else { new_text.to_owned() };
        let (old_text, new_text) = if content.contains(old_text) || !has_crlf {
            (old_text.to_owned(), new_in(only_crlf))
        } else {
            (as_crlf(old_text), new_in(true))
        };
        if old_text == new_text {
            return Err("old_text and new_text are the same; nothing to do".to_owned());
        }
        let mut places = overlapping(content, &old_text);
        match (places.next(), places.next()) {
            (Some(at), None) => Ok(Self { at, length: old_text.len(), new_text }),
            (Some(_), Some(_)) => {
                let count = overlapping(content, &old_text).count();
                Err(format!(
                    "old_text occurs {count} times; add lines around it so that it occurs once"
                ))
            }
            (None, _) => Err(near::hint(content, &old_text)),
        }
    }

    fn apply(&self, content: &str) -> String {
        let (before, after) = (&content[..self.at], &content[self.at + self.length..]);
        [before, &self.new_text, after].concat()
    }

    fn line(&self, content: &str) -> usize {
        content[..self.at].matches('\n').count() + 1
    }
}

/// Where `text` occurs, also where occurrences overlap: each is a place that could be meant.
fn overlapping<'a>(content: &'a str, text: &'a str) -> impl Iterator<Item = usize> + 'a {
    let step = text.chars().next().map_or(1, char::len_utf8);
    let mut from = 0;
    std::iter::from_fn(move || {
        let at = from + content.get(from..)?.find(text)?;
        from = at + step;
        Some(at)
    })
}
