use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, ErrorKind, Write};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use super::path::names_folder;
use super::{OpenError, Workspace};
use crate::platform::{Beneath, EntryKind, Folder, Stat};

static NEXT_TEMPORARY: AtomicU64 = AtomicU64::new(0);

impl Workspace {
    /// Makes or replaces a regular file as a whole: readers see the old bytes or the new ones, and a
    /// full disk leaves the old. Missing folders are made, permissions are kept, a link is followed
    /// below the workspace. Says whether the file is new. Blocks.
    ///
    /// # Errors
    /// Any [`OpenError`]; then the file is as it was.
    pub fn replace(&self, path: &str, bytes: &[u8]) -> Result<bool, OpenError> {
        if names_folder(path) {
            return Err(OpenError::IsFolder { path: path.to_owned() });
        }
        self.stable(path, |resolved| {
            // The workspace itself, by way of `..` or a link.
            let Some(name) = resolved.file_name() else {
                return Err(OpenError::IsFolder { path: path.to_owned() });
            };
            let failed = |source| OpenError::of("write", path, source);
            let parent = resolved.parent().unwrap_or(Path::new(""));
            let folder = self.parent_folder(parent).map_err(failed)?;
            let existing = existing(&folder, name, path)?;
            put(&folder, name, bytes, existing).map_err(failed)?;
            Ok(existing.is_none())
        })
    }

    /// Removes a regular file; a link is removed itself, never what it leads to. Blocks.
    ///
    /// # Errors
    /// Any [`OpenError`].
    pub fn remove(&self, path: &str) -> Result<(), OpenError> {
        self.stable_entry(path, |parent, name| {
            let failed = |source| OpenError::of("remove", path, source);
            let folder = self.root().folder(parent).map_err(failed)?;
            let path = || path.to_owned();
            match folder.stat(name) {
                Err(error) if error.kind() == ErrorKind::NotFound => {
                    Err(OpenError::NotFound { path: path() })
                }
                Err(error) => Err(failed(error)),
                Ok(stat) => match stat.kind {
                    EntryKind::File | EntryKind::Link => folder.remove(name).map_err(failed),
                    EntryKind::Folder => Err(OpenError::IsFolder { path: path() }),
                    EntryKind::Other => Err(OpenError::NotRegular { path: path() }),
                },
            }
        })
    }

    /// Opens the folder, making it and those above it where they are missing.
    fn parent_folder(&self, path: &Path) -> io::Result<Folder> {
        match self.root().folder(path) {
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            outcome => return outcome,
        }
        let mut folder = self.root().folder(Path::new(""))?;
        for name in path.iter() {
            folder = match folder.folder(Path::new(name)) {
                Err(error) if error.kind() == ErrorKind::NotFound => {
                    match folder.make_folder(name) {
                        Err(error) if error.kind() != ErrorKind::AlreadyExists => {
                            return Err(error);
                        }
                        _ => folder.folder(Path::new(name))?,
                    }
                }
                outcome => outcome?,
            };
        }
        Ok(folder)
    }
}

fn existing(folder: &Folder, name: &OsStr, path: &str) -> Result<Option<Stat>, OpenError> {
    let path = || path.to_owned();
    match folder.stat(name) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(OpenError::of("write", &path(), error)),
        Ok(stat) => match stat.kind {
            EntryKind::File => Ok(Some(stat)),
            EntryKind::Folder => Err(OpenError::IsFolder { path: path() }),
            EntryKind::Link => Err(OpenError::Changed { path: path() }),
            EntryKind::Other => Err(OpenError::NotRegular { path: path() }),
        },
    }
}

fn put(folder: &Folder, name: &OsStr, bytes: &[u8], existing: Option<Stat>) -> io::Result<()> {
    let (temporary, file) = create_temporary(folder)?;
    let written = fill(file, bytes, existing).and_then(|()| folder.rename(&temporary, name));
    if let Err(error) = written {
        if let Err(left) = folder.remove(&temporary) {
            tracing::warn!(name = ?temporary, error = %left, "a temporary file stays in the workspace");
        }
        return Err(error);
    }
    folder.sync()
}

fn create_temporary(folder: &Folder) -> io::Result<(OsString, File)> {
    loop {
        let number = NEXT_TEMPORARY.fetch_add(1, Ordering::Relaxed);
        let name = OsString::from(format!(".openclaw-{}-{number}.tmp", std::process::id()));
        match folder.create(&name) {
            // Left by a crash of a process that had this number.
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
            Ok(file) => return Ok((name, file)),
        }
    }
}

fn fill(mut file: File, bytes: &[u8], existing: Option<Stat>) -> io::Result<()> {
    file.write_all(bytes)?;
    #[cfg(unix)]
    if let Some(stat) = existing {
        let permissions = std::os::unix::fs::PermissionsExt::from_mode(stat.mode);
        file.set_permissions(permissions)?;
    }
    #[cfg(not(unix))]
    let _unused = existing;
    file.sync_all()
}
