use std::fs::{DirEntry, Metadata};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use openclaw_core::{MediaId, Timestamp};

use crate::intake::{blocking, temporary_folder};
use crate::{MediaError, MediaStore};

/// What a sweep removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Sweep {
    /// How many files.
    pub files: u64,
    /// How many bytes.
    pub bytes: u64,
}

impl MediaStore {
    /// Removes the files that were last stored before `older_than` and that `keep` does not want,
    /// and what crashes left half written before then. Storing the same bytes again renews a file.
    ///
    /// # Errors
    /// [`MediaError::Io`]; what was removed until then stays removed.
    pub async fn sweep(
        &self,
        older_than: Timestamp,
        keep: &(dyn Fn(&MediaId) -> bool + Sync),
    ) -> Result<Sweep, MediaError> {
        let before = system_time(older_than);
        let mut swept = Sweep::default();
        let root = self.root().to_owned();
        let folders = blocking("listing the store", move || list(&root)).await?;
        let temporary = temporary_folder(self.root());
        for folder in folders {
            let is_temporary = folder == temporary;
            let expired =
                blocking("listing the store", move || expired_files(&folder, before)).await?;
            let unwanted: Vec<PathBuf> = expired
                .into_iter()
                .filter(|path| match media_id(path) {
                    Some(id) => !keep(&id),
                    // A foreign file among ours is left alone.
                    None => is_temporary,
                })
                .collect();
            if unwanted.is_empty() {
                continue;
            }
            let _no_storing = self.changes.write().await;
            let removed =
                blocking("removing expired attachments", move || remove(unwanted, before)).await?;
            swept.files += removed.files;
            swept.bytes += removed.bytes;
        }
        Ok(swept)
    }
}

fn list(root: &Path) -> io::Result<Vec<PathBuf>> {
    let entries = match std::fs::read_dir(root) {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut folders = Vec::new();
    for entry in entries {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            folders.push(entry.path());
        }
    }
    Ok(folders)
}

fn expired_files(folder: &Path, before: SystemTime) -> io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let entry: DirEntry = entry?;
        match entry.metadata() {
            Ok(metadata) if is_expired(&metadata, before)? => files.push(entry.path()),
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    Ok(files)
}

fn is_expired(metadata: &Metadata, before: SystemTime) -> io::Result<bool> {
    Ok(metadata.is_file() && metadata.modified()? < before)
}

fn remove(paths: Vec<PathBuf>, before: SystemTime) -> io::Result<Sweep> {
    let mut removed = Sweep::default();
    for path in paths {
        // It may have been stored anew since it was listed.
        let metadata = match std::fs::symlink_metadata(&path) {
            Ok(metadata) if is_expired(&metadata, before)? => metadata,
            Ok(_) => continue,
            Err(error) if error.kind() == ErrorKind::NotFound => continue,
            Err(error) => return Err(error),
        };
        std::fs::remove_file(&path)?;
        removed.files += 1;
        removed.bytes += metadata.len();
    }
    Ok(removed)
}

fn media_id(path: &Path) -> Option<MediaId> {
    MediaId::new(path.file_name()?.to_str()?).ok()
}

fn system_time(moment: Timestamp) -> SystemTime {
    UNIX_EPOCH + Duration::from_millis(u64::try_from(moment.as_millis()).unwrap_or(0))
}
