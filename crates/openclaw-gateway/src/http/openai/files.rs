use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use openclaw_core::MediaRef;
use openclaw_errors::{ErrorKind, OpenClawError};
use openclaw_media::fetch::{FetchRequest, Fetcher};
use openclaw_media::{MAX_ATTACHMENT, MAX_ATTACHMENTS_PER_CALL, MediaError};

use super::error::Refused;
use super::said::Said;
use crate::GatewayState;

/// Files of one request.
const MOST_FILES: usize = 32;
/// Some programs leave the padding out.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Where a file of a request is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum FileSource {
    /// In the request.
    Bytes {
        /// The content.
        bytes: Vec<u8>,
        /// Its name.
        name: Option<String>,
    },
    /// On the web.
    Url(String),
}

impl FileSource {
    /// Reads a `data:` URL, or notes where to fetch.
    pub(super) fn of_url(url: &str, param: &str) -> Result<Self, Refused> {
        if let Some(data) = url.strip_prefix("data:") {
            let Some((head, body)) = data.split_once(',') else {
                return Err(Refused::bad("this data: URL has no comma", param));
            };
            if !head.ends_with(";base64") {
                return Err(Refused::bad("a data: URL has to be base64", param));
            }
            return Self::of_base64(body, None, param);
        }
        if url.starts_with("https://") || url.starts_with("http://") {
            return Ok(Self::Url(url.to_owned()));
        }
        Err(Refused::bad("expected a data: URL or an http(s) one", param))
    }

    /// Reads base64, or a `data:` URL.
    pub(super) fn of_base64(
        text: &str,
        name: Option<String>,
        param: &str,
    ) -> Result<Self, Refused> {
        if text.starts_with("data:") {
            return match Self::of_url(text, param)? {
                Self::Bytes { bytes, .. } => Ok(Self::Bytes { bytes, name }),
                other => Ok(other),
            };
        }
        match BASE64.decode(text) {
            Ok(bytes) if bytes.is_empty() => Err(Refused::bad("the file is empty", param)),
            Ok(bytes) => Ok(Self::Bytes { bytes, name }),
            Err(error) => Err(Refused::bad(format!("this is no base64: {error}"), param)),
        }
    }
}

/// Stores every file of a conversation.
pub(super) async fn store_all(
    state: &GatewayState,
    said: Vec<Said<FileSource>>,
    param: &str,
) -> Result<Vec<Said<MediaRef>>, Refused> {
    let count: usize = said.iter().map(|message| message.files().len()).sum();
    if count > MOST_FILES {
        return Err(Refused::bad(format!("at most {MOST_FILES} files"), param));
    }
    let is_fetched = |file: &FileSource| matches!(file, FileSource::Url(_));
    let fetcher = match said.iter().flat_map(|message| message.files()).any(is_fetched) {
        true => Some(Fetcher::builder().build().map_err(not_stored)?),
        false => None,
    };
    let mut left = MAX_ATTACHMENTS_PER_CALL;
    let mut stored = Vec::with_capacity(said.len());
    for message in said {
        stored.push(match message {
            Said::User { text, files } => {
                let mut media = Vec::with_capacity(files.len());
                for file in files {
                    let kept =
                        store(state, fetcher.as_ref(), file, left.min(MAX_ATTACHMENT), param)
                            .await?;
                    left = left.saturating_sub(kept.size_bytes);
                    media.push(kept);
                }
                Said::User { text, files: media }
            }
            Said::Instruction(text) => Said::Instruction(text),
            Said::Assistant { text, calls } => Said::Assistant { text, calls },
            Said::Result(result) => Said::Result(result),
        });
    }
    Ok(stored)
}

async fn store(
    state: &GatewayState,
    fetcher: Option<&Fetcher>,
    file: FileSource,
    limit: u64,
    param: &str,
) -> Result<MediaRef, Refused> {
    let stored = match file {
        FileSource::Bytes { bytes, .. } if bytes.len() as u64 > limit => {
            Err(MediaError::TooLarge { size: bytes.len() as u64, limit })
        }
        FileSource::Bytes { bytes, name } => state.media.put_bytes(&bytes, name.as_deref()).await,
        FileSource::Url(url) => {
            let fetcher =
                fetcher.ok_or_else(|| OpenClawError::internal("nothing fetches files"))?;
            let fetched = fetcher.get_to_store(&FetchRequest::new(url, limit), &state.media).await;
            return fetched.map_err(|error| not_fetched(error, param));
        }
    };
    stored.map_err(not_stored)
}

fn not_fetched(error: MediaError, param: &str) -> Refused {
    match error {
        error @ (MediaError::Io { .. } | MediaError::TooLarge { .. }) => not_stored(error),
        error => Refused::bad(format!("a file cannot be fetched: {error}"), param),
    }
}

fn not_stored(error: MediaError) -> Refused {
    match error {
        MediaError::TooLarge { .. } => OpenClawError::new(
            ErrorKind::PayloadTooLarge,
            "files may have 5 MB each and 15 MB together",
        )
        .into(),
        error => OpenClawError::new(ErrorKind::Overloaded, "a file could not be stored")
            .with_source(error)
            .into(),
    }
}

#[cfg(test)]
mod tests {
    use super::not_fetched;
    use http::StatusCode;
    use openclaw_media::MediaError;

    #[test]
    fn a_fetched_file_that_is_too_large_is_as_one_that_was_sent() {
        let refused = not_fetched(MediaError::TooLarge { size: 9, limit: 8 }, "messages");
        assert_eq!(refused.status, StatusCode::PAYLOAD_TOO_LARGE);
    }
}
