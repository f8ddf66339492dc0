use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use openclaw_channel_traits::{MediaError, MediaStore};
use openclaw_core::MediaRef;
use teloxide::net::Download;
use tokio::time::Instant;

use crate::api::{CallFailure, Client, FileInfo, GetFile};
use crate::parse::Attachment;

/// Pauses before the tries after the first.
const RETRIES: [Duration; 2] = [Duration::from_millis(500), Duration::from_secs(2)];

/// Fetches attachments into the store.
pub(crate) struct Downloader {
    client: Client,
    media: Arc<MediaStore>,
    limit: u64,
    time_limit: Duration,
}

/// Why an attachment was not fetched.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DownloadFailure {
    #[error("the file is above the limit of {limit} bytes")]
    TooLarge { limit: u64 },
    /// The service will not hand it out.
    #[error("the service refused the file: {0}")]
    Refused(String),
    /// Worth another try.
    #[error("the download failed: {0}")]
    Transfer(String),
    #[error("the file cannot be stored")]
    Store(#[source] MediaError),
}

impl Downloader {
    pub(crate) fn new(
        client: Client,
        media: Arc<MediaStore>,
        limit: u64,
        time_limit: Duration,
    ) -> Self {
        Self { client, media, limit, time_limit }
    }

    /// Fetches one attachment, trying again where that may help; all tries share the time limit, for
    /// other chats wait meanwhile.
    pub(crate) async fn fetch(&self, attachment: &Attachment) -> Result<MediaRef, DownloadFailure> {
        if attachment.size.is_some_and(|size| size > self.limit) {
            return Err(DownloadFailure::TooLarge { limit: self.limit });
        }
        let deadline = Instant::now() + self.time_limit;
        let mut pauses = RETRIES.iter();
        loop {
            let failure = match tokio::time::timeout_at(deadline, self.once(attachment)).await {
                Ok(Ok(stored)) => return Ok(stored),
                Ok(Err(failure)) => failure,
                Err(_) => {
                    return Err(DownloadFailure::Transfer("it took too long".to_owned()));
                }
            };
            match (&failure, pauses.next()) {
                (DownloadFailure::Transfer(_), Some(pause)) => tokio::time::sleep(*pause).await,
                _ => return Err(failure),
            }
        }
    }

    async fn once(&self, attachment: &Attachment) -> Result<MediaRef, DownloadFailure> {
        let payload = GetFile { file_id: attachment.file_id.clone() };
        let file: FileInfo = self.client.call(payload).await.map_err(|failure| match failure {
            failure if failure.refused_with("file is too big") => {
                DownloadFailure::TooLarge { limit: self.limit }
            }
            CallFailure::BadRequest(text) | CallFailure::Forbidden(text) => {
                DownloadFailure::Refused(text)
            }
            other => DownloadFailure::Transfer(other.to_string()),
        })?;
        if file.file_size.is_some_and(|size| size > self.limit) {
            return Err(DownloadFailure::TooLarge { limit: self.limit });
        }
        let path = file
            .file_path
            .ok_or_else(|| DownloadFailure::Refused("the file has no path".to_owned()))?;
        self.store(&path, attachment.file_name.as_deref()).await
    }

    async fn store(
        &self,
        path: &str,
        file_name: Option<&str>,
    ) -> Result<MediaRef, DownloadFailure> {
        let stored = |error| match error {
            MediaError::TooLarge { limit, .. } => DownloadFailure::TooLarge { limit },
            error => DownloadFailure::Store(error),
        };
        let mut intake = self.media.begin(self.limit).await.map_err(stored)?;
        let mut chunks = self.client.bot().download_file_stream(path);
        while let Some(chunk) = chunks.next().await {
            let chunk = chunk.map_err(|error| {
                DownloadFailure::Transfer(self.client.clean(&error.to_string()))
            })?;
            intake.write(&chunk).await.map_err(stored)?;
        }
        intake.finish(file_name).await.map_err(stored)
    }
}
