//! Files that appear under their names when they are complete.

use std::io::{Error, ErrorKind, Result};
use std::path::{Path, PathBuf};

/// Moves a complete file to its place, and makes sure of both on the disk.
pub(crate) async fn settle(from: &Path, to: &Path) -> Result<()> {
    tokio::fs::File::open(from).await?.sync_all().await?;
    tokio::fs::rename(from, to).await?;
    if let Some(folder) = to.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        tokio::fs::File::open(folder).await?.sync_all().await?;
    }
    Ok(())
}

/// The path with more after its name.
pub(crate) fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

/// Removes a file that may not be there.
pub(crate) async fn remove(path: &Path) -> Result<()> {
    let missing = |error: &Error| error.kind() == ErrorKind::NotFound;
    tokio::fs::remove_file(path).await.or_else(|error| match missing(&error) {
        true => Ok(()),
        false => Err(error),
    })
}
