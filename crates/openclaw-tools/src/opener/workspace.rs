use std::ffi::OsStr;
use std::fs::File;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::OpenError;
use super::error::escapes;
use super::path::{Names, Step};
use crate::platform::{Beneath, Folder};

const MAX_LINKS: usize = 40;

/// How often a path is resolved anew when something on the way was swapped.
const MAX_TRIES: usize = 8;

/// A workspace held open. Every path is resolved to one without links first and then opened by the
/// system with links forbidden, so that a link swapped in between is an error, never a way out.
///
/// Paths are relative, or absolute below the workspace's own folder or `/workspace`.
#[derive(Debug)]
pub struct Workspace {
    root: Folder,
    names: Names,
}

/// A regular file, open for reading.
#[derive(Debug)]
pub struct OpenedFile {
    /// The file.
    pub file: File,
    /// Its size when it was opened.
    pub size: u64,
}

impl Workspace {
    /// Opens the workspace, which is made where it is missing. Blocks.
    ///
    /// # Errors
    /// When the folder cannot be made or opened.
    pub fn open(root: &Path) -> Result<Self, OpenError> {
        let failed =
            |source| OpenError::Io { doing: "open the workspace", path: String::new(), source };
        let folder = match Folder::open_root(root) {
            Err(error) if error.kind() == ErrorKind::NotFound => {
                std::fs::create_dir_all(root).map_err(failed)?;
                Folder::open_root(root)
            }
            outcome => outcome,
        };
        Ok(Self { root: folder.map_err(failed)?, names: Names::new(root) })
    }

    /// Opens a regular file for reading. Blocks.
    ///
    /// # Errors
    /// Any [`OpenError`].
    pub fn read(&self, path: &str) -> Result<OpenedFile, OpenError> {
        let file = self.stable(path, |resolved| {
            self.root.file(resolved).map_err(|source| OpenError::of("open", path, source))
        })?;
        let metadata = file.metadata().map_err(|source| OpenError::of("open", path, source))?;
        if metadata.is_dir() {
            return Err(OpenError::IsFolder { path: path.to_owned() });
        }
        if !metadata.is_file() {
            return Err(OpenError::NotRegular { path: path.to_owned() });
        }
        Ok(OpenedFile { file, size: metadata.len() })
    }

    /// Opens a folder; with it comes its path below the workspace.
    pub(crate) fn folder(&self, path: &str) -> Result<(PathBuf, Folder), OpenError> {
        self.stable(path, |resolved| {
            let folder =
                self.root.folder(resolved).map_err(|source| OpenError::of("open", path, source))?;
            Ok((resolved.to_owned(), folder))
        })
    }

    pub(super) fn root(&self) -> &Folder {
        &self.root
    }

    /// Resolves and acts, anew when something was swapped in between.
    pub(super) fn stable<T>(
        &self,
        path: &str,
        act: impl Fn(&Path) -> Result<T, OpenError>,
    ) -> Result<T, OpenError> {
        let mut outcome = Err(OpenError::Changed { path: path.to_owned() });
        for _ in 0..MAX_TRIES {
            outcome = self.resolve(path).and_then(|resolved| act(&resolved));
            if !matches!(outcome, Err(OpenError::Changed { .. })) {
                break;
            }
        }
        outcome
    }

    /// Where a path leads, below the workspace: two spellings of one file give the same.
    pub(crate) fn resolved(&self, path: &str) -> Result<PathBuf, OpenError> {
        self.stable(path, |resolved| Ok(resolved.to_owned()))
    }

    /// Resolves the folder a name stands in, but not the name itself, and acts on it.
    pub(super) fn stable_entry<T>(
        &self,
        path: &str,
        act: impl Fn(&Path, &OsStr) -> Result<T, OpenError>,
    ) -> Result<T, OpenError> {
        let mut outcome = Err(OpenError::Changed { path: path.to_owned() });
        for _ in 0..MAX_TRIES {
            let mut steps = self.names.steps(path)?;
            let Some(Step::Into(name)) = steps.pop() else {
                return Err(OpenError::IsFolder { path: path.to_owned() });
            };
            outcome = self.follow(path, steps).and_then(|parent| act(&parent, &name));
            if !matches!(outcome, Err(OpenError::Changed { .. })) {
                break;
            }
        }
        outcome
    }

    /// The path below the workspace without links and `..`; what does not exist is kept as it is.
    fn resolve(&self, text: &str) -> Result<PathBuf, OpenError> {
        self.follow(text, self.names.steps(text)?)
    }

    fn follow(&self, text: &str, mut pending: Vec<Step>) -> Result<PathBuf, OpenError> {
        let outside = || OpenError::Outside { path: text.to_owned() };
        pending.reverse();
        let mut resolved = PathBuf::new();
        let mut links = 0;
        while let Some(step) = pending.pop() {
            let name = match step {
                Step::Up if resolved.pop() => continue,
                Step::Up => return Err(outside()),
                Step::Into(name) => name,
            };
            resolved.push(name);
            let target = match self.root.link_target(&resolved) {
                Ok(Some(target)) => target,
                Ok(None) => continue,
                Err(error)
                    if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) =>
                {
                    continue;
                }
                Err(error) if escapes(&error) => {
                    return Err(OpenError::Changed { path: text.to_owned() });
                }
                Err(error) => return Err(OpenError::of("open", text, error)),
            };
            links += 1;
            if links > MAX_LINKS {
                let reason = "its links lead in a circle";
                return Err(OpenError::Invalid { path: text.to_owned(), reason });
            }
            resolved = if target.is_absolute() { PathBuf::new() } else { parent_of(resolved) };
            let steps = self.names.below(&target).ok_or_else(outside)?;
            pending.extend(steps.into_iter().rev());
        }
        Ok(resolved)
    }
}

fn parent_of(mut path: PathBuf) -> PathBuf {
    path.pop();
    path
}
