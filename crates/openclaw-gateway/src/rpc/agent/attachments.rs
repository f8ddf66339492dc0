use base64::Engine as _;
use openclaw_core::MediaRef;
use openclaw_errors::{ErrorKind, OpenClawError};
use openclaw_media::{MAX_ATTACHMENT, MAX_ATTACHMENTS_PER_CALL, MediaError};
use openclaw_protocol::methods::Attachment;

use crate::GatewayState;

/// Files of one call.
const MOST_FILES: usize = 32;

/// Stores what was sent along; files that are stored already are looked up.
pub(super) async fn store(
    state: &GatewayState,
    attachments: &[Attachment],
) -> Result<Vec<MediaRef>, OpenClawError> {
    if attachments.len() > MOST_FILES {
        let message = format!("at most {MOST_FILES} files");
        return Err(OpenClawError::invalid_params("attachments", message));
    }
    let mut stored = Vec::with_capacity(attachments.len());
    let mut together = 0;
    for (index, attachment) in attachments.iter().enumerate() {
        let field = |name: &str| format!("attachments[{index}].{name}");
        let media = match (&attachment.media_id, &attachment.content_base64) {
            (Some(id), None) => {
                state.media.describe(id, attachment.file_name.as_deref()).await.map_err(
                    |error| match error {
                        MediaError::NotFound(_) => {
                            OpenClawError::invalid_params(field("media_id"), error.to_string())
                        }
                        other => failed(other),
                    },
                )?
            }
            (None, Some(text)) => {
                let bytes = base64::engine::general_purpose::STANDARD
                    .decode(text.as_bytes())
                    .map_err(|error| {
                        OpenClawError::invalid_params(
                            field("content_base64"),
                            format!("is no base64: {error}"),
                        )
                    })?;
                let size = bytes.len() as u64;
                together += size;
                if size > MAX_ATTACHMENT || together > MAX_ATTACHMENTS_PER_CALL {
                    return Err(OpenClawError::new(
                        ErrorKind::PayloadTooLarge,
                        "attachments may have 5 MB each and 15 MB together",
                    )
                    .with_field(field("content_base64")));
                }
                if bytes.is_empty() {
                    return Err(OpenClawError::invalid_params(field("content_base64"), "is empty"));
                }
                state
                    .media
                    .put_bytes(&bytes, attachment.file_name.as_deref())
                    .await
                    .map_err(failed)?
            }
            _ => {
                return Err(OpenClawError::invalid_params(
                    field("media_id"),
                    "give either media_id or content_base64",
                ));
            }
        };
        stored.push(media);
    }
    Ok(stored)
}

fn failed(error: MediaError) -> OpenClawError {
    OpenClawError::new(ErrorKind::Overloaded, "an attachment could not be stored")
        .with_hint("check the disk of the state folder, then try again")
        .with_source(error)
}
