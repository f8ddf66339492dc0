use std::path::Path;

use super::{OpenError, Workspace};
use crate::platform::{Beneath as _, EntryKind, Folder};

impl Workspace {
    /// The regular files below a folder in the order of names, at most `most` of them and so many levels
    /// deep; none where there is no such folder. Links are not followed, folders that cannot be opened
    /// are left out. Blocks.
    ///
    /// # Errors
    /// Any [`OpenError`] of the folder itself.
    pub fn files_below(
        &self,
        path: &str,
        depth: usize,
        most: usize,
    ) -> Result<Vec<String>, OpenError> {
        let folder = match self.folder(path) {
            Err(OpenError::NotFound { .. } | OpenError::NotFolder { .. }) => return Ok(Vec::new()),
            outcome => outcome?.1,
        };
        let mut files = Vec::new();
        enter(&folder, path, depth, most, &mut files);
        Ok(files)
    }
}

fn enter(folder: &Folder, path: &str, depth: usize, most: usize, files: &mut Vec<String>) {
    let Ok(mut entries) = folder.entries() else { return };
    entries.sort_unstable_by(|one, other| one.name.cmp(&other.name));
    for entry in entries {
        // A name that is no text cannot be told to a model.
        let Some(name) = entry.name.to_str() else { continue };
        let path = format!("{path}/{name}");
        match entry.kind {
            EntryKind::File if files.len() < most => files.push(path),
            EntryKind::Folder if depth > 1 => {
                if let Ok(inner) = folder.folder(Path::new(name)) {
                    enter(&inner, &path, depth - 1, most, files);
                }
            }
            EntryKind::File | EntryKind::Folder | EntryKind::Link | EntryKind::Other => {}
        }
    }
}
