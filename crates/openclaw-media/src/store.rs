use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use openclaw_core::{MediaId, MediaRef};
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::sync::RwLock;

use crate::intake::stored_path;
use crate::sniff::{SNIFF_BYTES, sniff};
use crate::{Intake, MediaError, sanitise_file_name};

const CHUNK: usize = 64 * 1024;

/// The content-addressed store in `<state>/media`: `ab/<hash>`, files 0600, folders 0700. Clones
/// share the store.
#[derive(Debug, Clone)]
pub struct MediaStore {
    root: PathBuf,
    // Held for reading while a file gets its name, for writing while an expired one is removed.
    pub(crate) changes: Arc<RwLock<()>>,
}

impl MediaStore {
    /// A store below this folder, which is made when first written to.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into(), changes: Arc::default() }
    }

    /// The folder.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Begins to store a file whose bytes come piece by piece.
    ///
    /// # Errors
    /// [`MediaError::Io`] when the store cannot be written to.
    pub async fn begin(&self, limit: u64) -> Result<Intake, MediaError> {
        Intake::begin(self.root.clone(), self.changes.clone(), limit).await
    }

    /// Stores all bytes of the reader, at most `limit`. The declared name is cleaned, a declared
    /// type is not asked for.
    ///
    /// # Errors
    /// [`MediaError::TooLarge`] above the limit, [`MediaError::Io`] when reader or disk fail; then
    /// nothing is kept.
    pub async fn put(
        &self,
        mut reader: impl AsyncRead + Unpin + Send,
        limit: u64,
        file_name: Option<&str>,
    ) -> Result<MediaRef, MediaError> {
        let mut intake = self.begin(limit).await?;
        let mut buffer = vec![0; CHUNK];
        loop {
            let read = reader.read(&mut buffer).await;
            match read.map_err(MediaError::io("reading an attachment"))? {
                0 => return intake.finish(file_name).await,
                count => intake.write(&buffer[..count]).await?,
            }
        }
    }

    /// Stores bytes that are in memory.
    ///
    /// # Errors
    /// [`MediaError::Io`].
    pub async fn put_bytes(
        &self,
        bytes: &[u8],
        file_name: Option<&str>,
    ) -> Result<MediaRef, MediaError> {
        self.put(bytes, u64::MAX, file_name).await
    }

    /// Opens a stored file for reading.
    ///
    /// # Errors
    /// [`MediaError::NotFound`], [`MediaError::Io`].
    pub async fn open(&self, id: &MediaId) -> Result<tokio::fs::File, MediaError> {
        tokio::fs::File::open(self.path(id)).await.map_err(|source| match source.kind() {
            ErrorKind::NotFound => MediaError::NotFound(id.clone()),
            _ => MediaError::Io { doing: "opening an attachment", source },
        })
    }

    /// All bytes of a stored file that has at most `limit` of them.
    ///
    /// # Errors
    /// [`MediaError::NotFound`], [`MediaError::TooLarge`], [`MediaError::Io`].
    pub async fn read(&self, id: &MediaId, limit: u64) -> Result<Vec<u8>, MediaError> {
        let mut file = self.open(id).await?;
        let size = size_of(&file).await?;
        if size > limit {
            return Err(MediaError::TooLarge { size, limit });
        }
        let mut bytes = Vec::with_capacity(usize::try_from(size).unwrap_or(0));
        file.read_to_end(&mut bytes).await.map_err(MediaError::io("reading an attachment"))?;
        Ok(bytes)
    }

    /// What a stored file is, under the name it has here.
    ///
    /// # Errors
    /// [`MediaError::NotFound`], [`MediaError::Io`].
    pub async fn describe(
        &self,
        id: &MediaId,
        file_name: Option<&str>,
    ) -> Result<MediaRef, MediaError> {
        let file = self.open(id).await?;
        let size_bytes = size_of(&file).await?;
        let mut head = Vec::with_capacity(SNIFF_BYTES);
        file.take(SNIFF_BYTES as u64)
            .read_to_end(&mut head)
            .await
            .map_err(MediaError::io("reading an attachment"))?;
        Ok(MediaRef {
            media_id: id.clone(),
            mime_type: sniff(&head).to_owned(),
            file_name: file_name.and_then(sanitise_file_name),
            size_bytes,
        })
    }

    /// Where a file of this id is, if it is stored.
    pub fn path(&self, id: &MediaId) -> PathBuf {
        stored_path(&self.root, id)
    }
}

async fn size_of(file: &tokio::fs::File) -> Result<u64, MediaError> {
    let metadata = file.metadata().await.map_err(MediaError::io("reading an attachment"))?;
    Ok(metadata.len())
}
