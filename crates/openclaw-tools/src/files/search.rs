use std::ops::ControlFlow;
use std::path::Path;

use async_trait::async_trait;
use globset::{GlobBuilder, GlobMatcher};
use schemars::JsonSchema;
use serde::Deserialize;

use super::search_content::ContentSearch;
use super::search_names::NamePattern;
use super::walk::{Walk, WalkError};
use super::{MAX_TEXT, WALK_TIME_LIMIT};
use crate::platform::EntryKind;
use crate::{
    OpenError, Stop, StopReason, Stopped, Tool, ToolContext, ToolError, ToolOutput, Workspace,
    run_blocking,
};

const DEFAULT_MATCHES: usize = 100;
const MAX_MATCHES: usize = 1_000;

/// `search`: text in files, or names of files.
#[derive(Debug, Clone, Copy)]
pub struct SearchTool;

/// Arguments of `search`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SearchArgs {
    /// Regular expression; for names a glob or a part of the name
    pattern: String,
    /// Folder or file, default: the workspace
    path: Option<String>,
    /// Only these files, such as *.rs or src/**/*.ts
    glob: Option<String>,
    /// Default content
    #[serde(rename = "in")]
    place: Option<Place>,
    /// Matches, default 100
    limit: Option<usize>,
}

#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Place {
    Content,
    Names,
}

#[async_trait]
impl Tool for SearchTool {
    type Args = SearchArgs;

    const NAME: &'static str = "search";
    const DESCRIPTION: &'static str = "Find text in files of the workspace (answers path:line: text), or files by name. What .gitignore excludes is left out.";
    const ALIASES: &'static [(&'static str, &'static str)] =
        &[("file_path", "path"), ("query", "pattern")];

    async fn call(&self, context: &ToolContext, args: SearchArgs) -> Result<ToolOutput, ToolError> {
        let root = context.workspace.clone();
        run_blocking(context, WALK_TIME_LIMIT, move |stop| {
            let workspace = Workspace::open(&root)?;
            let search = Search::new(&args)?;
            search.run(&workspace, args.path.as_deref().unwrap_or("."), stop).map(ToolOutput::text)
        })
        .await
    }
}

enum Wanted {
    Content(Box<ContentSearch>),
    Names(NamePattern),
}

struct Search {
    wanted: Wanted,
    glob: Option<FileGlob>,
    limit: usize,
}

/// What was found so far.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) text: String,
    pub(super) count: usize,
    /// Files that could not be searched.
    pub(super) unreadable: usize,
    limit: usize,
}

impl Found {
    /// Takes one line; breaks off once there is one more than may be shown.
    pub(super) fn push(&mut self, line: &str) -> ControlFlow<()> {
        self.count += 1;
        if self.is_over() {
            return ControlFlow::Break(());
        }
        self.text.push_str(line);
        self.text.push('\n');
        ControlFlow::Continue(())
    }

    fn is_over(&self) -> bool {
        self.count > self.limit || self.text.len() > MAX_TEXT
    }
}

impl Search {
    fn new(args: &SearchArgs) -> Result<Self, ToolError> {
        if args.pattern.is_empty() {
            return Err(ToolError::RespondToModel(
                "pattern is empty; list shows all files".to_owned(),
            ));
        }
        let wanted = match args.place.unwrap_or(Place::Content) {
            Place::Content => Wanted::Content(Box::new(ContentSearch::new(&args.pattern)?)),
            Place::Names => Wanted::Names(NamePattern::new(&args.pattern)),
        };
        let glob = args.glob.as_deref().map(FileGlob::new).transpose()?;
        let limit = args.limit.unwrap_or(DEFAULT_MATCHES).clamp(1, MAX_MATCHES);
        Ok(Self { wanted, glob, limit })
    }

    fn run(mut self, workspace: &Workspace, path: &str, stop: &Stop) -> Result<String, ToolError> {
        let mut found = Found { limit: self.limit, ..Found::default() };
        let walked = Walk::new(stop, usize::MAX).run(workspace, path, &mut |visited| {
            if self.glob.as_ref().is_some_and(|glob| !glob.is_match(visited.path)) {
                return Ok(ControlFlow::Continue(()));
            }
            match &mut self.wanted {
                Wanted::Names(pattern) if pattern.is_match(visited.path) => {
                    let slash = if visited.kind == EntryKind::Folder { "/" } else { "" };
                    Ok(found.push(&format!("{}{slash}", visited.path.display())))
                }
                Wanted::Content(search) if visited.kind == EntryKind::File => {
                    search.visit(visited, &mut found, stop)
                }
                Wanted::Names(_) | Wanted::Content(_) => Ok(ControlFlow::Continue(())),
            }
        });
        let mut remarks = Vec::new();
        match walked {
            Ok(skipped) if skipped.unreadable > 0 => {
                remarks.push(format!("{} folders could not be opened", skipped.unreadable));
            }
            Ok(_) => {}
            Err(WalkError::Failed(error)) => {
                self.single_file(workspace, path, error, &mut found, stop)?
            }
            Err(WalkError::Stopped(Stopped(StopReason::Cancelled))) => {
                return Err(ToolError::Cancelled);
            }
            Err(WalkError::Stopped(Stopped(StopReason::TimeLimit))) => {
                remarks.push("stopped by the time limit; narrow path or glob".to_owned());
            }
        }
        Ok(self.answer(found, remarks))
    }

    /// The path may be a file's, which is then searched alone.
    fn single_file(
        &mut self,
        workspace: &Workspace,
        path: &str,
        error: ToolError,
        found: &mut Found,
        stop: &Stop,
    ) -> Result<(), ToolError> {
        let Wanted::Content(search) = &mut self.wanted else { return Err(error) };
        match workspace.read(path) {
            Ok(opened) => Ok(search.file(opened.file, Path::new(path), found, stop).map(drop)?),
            Err(OpenError::IsFolder { .. }) => Err(error),
            Err(other) => Err(other.into()),
        }
    }

    fn answer(&self, mut found: Found, mut remarks: Vec<String>) -> String {
        if found.is_over() {
            let shown = found.text.lines().count();
            remarks.push(format!(
                "only the first {shown}; narrow pattern, path or glob, or raise limit"
            ));
        } else if found.count == 0 {
            remarks.push("nothing found".to_owned());
            if let Wanted::Content(search) = &self.wanted
                && let Some(literal) = search.literal()
            {
                remarks.push(format!(
                    "pattern is a regular expression; for the text itself: {literal}"
                ));
            }
        }
        if found.unreadable > 0 {
            remarks.push(format!("{} files could not be searched", found.unreadable));
        }
        if !remarks.is_empty() {
            found.text.push_str(&format!("[{}]", remarks.join("; ")));
        }
        found.text
    }
}

/// A glob on the path below the workspace, or without a slash on the name alone.
struct FileGlob {
    matcher: GlobMatcher,
    names_only: bool,
}

impl FileGlob {
    fn new(text: &str) -> Result<Self, ToolError> {
        let trimmed = text.trim_start_matches("./").trim_start_matches("/workspace/");
        let glob = GlobBuilder::new(trimmed).literal_separator(true).build().map_err(|error| {
            ToolError::RespondToModel(format!(
                "glob is not valid: {error}; examples: *.rs, src/**/*.ts"
            ))
        })?;
        Ok(Self { matcher: glob.compile_matcher(), names_only: !trimmed.contains('/') })
    }

    fn is_match(&self, path: &Path) -> bool {
        match path.file_name() {
            Some(name) if self.names_only => self.matcher.is_match(name),
            _ => self.matcher.is_match(path),
        }
    }
}
