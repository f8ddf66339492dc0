use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use openclaw_core::{MediaId, MediaRef};
use sha2::{Digest, Sha256};
use tempfile::NamedTempFile;
use tokio::io::AsyncWriteExt;
use tokio::sync::RwLock;

use crate::sniff::{SNIFF_BYTES, sniff};
use crate::{MediaError, sanitise_file_name};

/// One file on its way into the store. Dropped before [`Intake::finish`], it leaves nothing behind.
#[derive(Debug)]
pub struct Intake {
    root: PathBuf,
    changes: Arc<RwLock<()>>,
    // Before `temporary`, so that the handle is closed when the name goes.
    file: tokio::fs::File,
    temporary: NamedTempFile,
    hasher: Sha256,
    head: Vec<u8>,
    size: u64,
    limit: u64,
}

impl Intake {
    pub(crate) async fn begin(
        root: PathBuf,
        changes: Arc<RwLock<()>>,
        limit: u64,
    ) -> Result<Self, MediaError> {
        let folder = temporary_folder(&root);
        let (temporary, file) = blocking("making a temporary file", move || {
            make_private_dirs(&folder)?;
            let temporary = NamedTempFile::new_in(&folder)?;
            let file = temporary.as_file().try_clone()?;
            Ok((temporary, file))
        })
        .await?;
        let file = tokio::fs::File::from_std(file);
        let (hasher, head) = (Sha256::new(), Vec::new());
        Ok(Self { root, changes, file, temporary, hasher, head, size: 0, limit })
    }

    /// Appends bytes.
    ///
    /// # Errors
    /// [`MediaError::TooLarge`] once they exceed the limit, [`MediaError::Io`] when the disk is full
    /// or fails.
    pub async fn write(&mut self, bytes: &[u8]) -> Result<(), MediaError> {
        let size = self.size + bytes.len() as u64;
        if size > self.limit {
            return Err(MediaError::TooLarge { size, limit: self.limit });
        }
        self.size = size;
        self.hasher.update(bytes);
        let wanted = SNIFF_BYTES.saturating_sub(self.head.len()).min(bytes.len());
        self.head.extend_from_slice(&bytes[..wanted]);
        self.file.write_all(bytes).await.map_err(MediaError::io("writing an attachment"))
    }

    /// Makes the bytes durable under their hash and says what they are.
    ///
    /// # Errors
    /// [`MediaError::Io`].
    pub async fn finish(mut self, file_name: Option<&str>) -> Result<MediaRef, MediaError> {
        // A write that failed in the background is reported by the flush.
        self.file.flush().await.map_err(MediaError::io("writing an attachment"))?;
        self.file.sync_all().await.map_err(MediaError::io("writing an attachment"))?;
        let media_id = MediaId::new(hex::encode(self.hasher.finalize()))
            .expect("a SHA-256 in hex has the form of a media id");
        let target = stored_path(&self.root, &media_id);
        let root = self.root;
        let temporary = self.temporary;
        let _no_sweep = self.changes.read().await;
        blocking("storing an attachment", move || {
            let folder = target.parent().unwrap_or(&root);
            make_private_dirs(folder)?;
            temporary.persist(&target).map_err(|failed| failed.error)?;
            sync_dir(folder)?;
            sync_dir(&root)
        })
        .await?;
        Ok(MediaRef {
            media_id,
            mime_type: sniff(&self.head).to_owned(),
            file_name: file_name.and_then(sanitise_file_name),
            size_bytes: self.size,
        })
    }
}

pub(crate) fn temporary_folder(root: &Path) -> PathBuf {
    root.join("tmp")
}

pub(crate) fn stored_path(root: &Path, id: &MediaId) -> PathBuf {
    root.join(&id.as_str()[..2]).join(id.as_str())
}

pub(crate) async fn blocking<T: Send + 'static>(
    doing: &'static str,
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> Result<T, MediaError> {
    tokio::task::spawn_blocking(work)
        .await
        .unwrap_or_else(|failed| Err(io::Error::other(failed)))
        .map_err(MediaError::io(doing))
}

fn make_private_dirs(folder: &Path) -> io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

// Elsewhere a folder cannot be opened to be synced.
#[cfg(unix)]
fn sync_dir(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

#[cfg(not(unix))]
fn sync_dir(_: &Path) -> io::Result<()> {
    Ok(())
}
