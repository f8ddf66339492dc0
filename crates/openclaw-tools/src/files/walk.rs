use std::ffi::OsStr;
use std::io::Read;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use ignore::gitignore::{Gitignore, GitignoreBuilder};

use crate::platform::{Beneath, Entry, EntryKind, Folder};
use crate::{Stop, Stopped, ToolError, Workspace};

/// Deeper folders are not entered: each level holds a file descriptor.
const MAX_DEPTH: usize = 64;

/// A larger `.gitignore` is not looked at.
const MAX_IGNORE_FILE: u64 = 256 * 1024;

/// Something a walk came by.
pub(super) struct Visited<'a> {
    /// The folder it is in, held open.
    pub(super) folder: &'a Folder,
    pub(super) name: &'a OsStr,
    pub(super) kind: EntryKind,
    /// Its path below the workspace.
    pub(super) path: &'a Path,
}

/// What a walk left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Skipped {
    /// Names that a `.gitignore` of the workspace excludes.
    pub(super) ignored: usize,
    /// Folders that could not be opened, or that are too deep.
    pub(super) unreadable: usize,
}

/// A walk through a folder of the workspace in the order of names, without following links, without
/// entering `.git`, and without what the workspace's own `.gitignore` files exclude.
pub(super) struct Walk<'a> {
    stop: &'a Stop,
    depth: usize,
    ignores: Vec<Gitignore>,
    skipped: Skipped,
}

impl<'a> Walk<'a> {
    /// `depth` is how many levels are visited.
    pub(super) fn new(stop: &'a Stop, depth: usize) -> Self {
        Self { stop, depth: depth.min(MAX_DEPTH), ignores: Vec::new(), skipped: Skipped::default() }
    }

    /// Visits everything below `path` until `visit` breaks off.
    pub(super) fn run(
        mut self,
        workspace: &Workspace,
        path: &str,
        visit: &mut dyn FnMut(&Visited<'_>) -> Result<ControlFlow<()>, Stopped>,
    ) -> Result<Skipped, WalkError> {
        let (start, folder) =
            workspace.folder(path).map_err(|error| WalkError::Failed(error.into()))?;
        self.read_ignores_above(workspace, &start);
        let entries = folder.entries().map_err(|error| {
            WalkError::Failed(ToolError::RespondToModel(format!("cannot list {path}: {error}")))
        })?;
        let _ended = self.enter(&folder, entries, &start, 1, visit)?;
        Ok(self.skipped)
    }

    fn read_ignores_above(&mut self, workspace: &Workspace, start: &Path) {
        let mut above = PathBuf::new();
        for name in start.iter() {
            if let Ok((_, folder)) = workspace.folder(&above.to_string_lossy()) {
                self.ignores.extend(read_ignore(&folder, &above));
            }
            above.push(name);
        }
    }

    fn enter(
        &mut self,
        folder: &Folder,
        mut entries: Vec<Entry>,
        path: &Path,
        depth: usize,
        visit: &mut dyn FnMut(&Visited<'_>) -> Result<ControlFlow<()>, Stopped>,
    ) -> Result<ControlFlow<()>, Stopped> {
        let own_ignore = read_ignore(folder, path);
        let has_own = own_ignore.is_some();
        self.ignores.extend(own_ignore);
        entries.sort_unstable_by(|a, b| a.name.cmp(&b.name));
        for Entry { name, kind } in entries {
            self.stop.check()?;
            let path = path.join(&name);
            let is_folder = kind == EntryKind::Folder;
            if self.is_ignored(&path, is_folder) {
                self.skipped.ignored += 1;
                continue;
            }
            if visit(&Visited { folder, name: &name, kind, path: &path })?.is_break() {
                return Ok(ControlFlow::Break(()));
            }
            if !is_folder || depth >= self.depth || name == ".git" {
                self.skipped.unreadable += usize::from(is_folder && depth >= MAX_DEPTH);
                continue;
            }
            let opened = folder.folder(Path::new(&name));
            let Ok((inner, entries)) = opened
                .and_then(|inner| Ok((inner.entries()?, inner)))
                .map(|(entries, inner)| (inner, entries))
            else {
                self.skipped.unreadable += 1;
                continue;
            };
            if self.enter(&inner, entries, &path, depth + 1, visit)?.is_break() {
                return Ok(ControlFlow::Break(()));
            }
        }
        if has_own {
            self.ignores.pop();
        }
        Ok(ControlFlow::Continue(()))
    }

    /// The nearest `.gitignore` that has an opinion decides.
    fn is_ignored(&self, path: &Path, is_folder: bool) -> bool {
        self.ignores
            .iter()
            .rev()
            .map(|ignore| ignore.matched(path, is_folder))
            .find(|found| !found.is_none())
            .is_some_and(|found| found.is_ignore())
    }
}

/// Why a walk ended early.
pub(super) enum WalkError {
    Stopped(Stopped),
    Failed(ToolError),
}

impl From<Stopped> for WalkError {
    fn from(stopped: Stopped) -> Self {
        Self::Stopped(stopped)
    }
}

fn read_ignore(folder: &Folder, path: &Path) -> Option<Gitignore> {
    let file = folder.file(Path::new(".gitignore")).ok()?;
    let metadata = file.metadata().ok()?;
    if !metadata.is_file() || metadata.len() > MAX_IGNORE_FILE {
        return None;
    }
    let mut bytes = Vec::new();
    file.take(MAX_IGNORE_FILE).read_to_end(&mut bytes).ok()?;
    let mut builder = GitignoreBuilder::new(path);
    for line in String::from_utf8_lossy(&bytes).lines() {
        if let Err(error) = builder.add_line(None, line) {
            tracing::debug!(path = %path.display(), %error, "a line of a .gitignore is skipped");
        }
    }
    builder.build().ok().filter(|ignore| !ignore.is_empty())
}
