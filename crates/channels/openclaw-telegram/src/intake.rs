use openclaw_channel_traits::external_id::edit_id;
use openclaw_core::{Inbound, MediaRef, MessageContent, Timestamp};

use crate::download::{DownloadFailure, Downloader};
use crate::parse::{Attachment, Draft};

/// An event that is ready to be handed in.
pub(crate) struct Complete {
    pub(crate) inbound: Inbound,
    /// The button press to answer once it is stored.
    pub(crate) callback: Option<String>,
}

/// Fetches what belongs to an event. What cannot be fetched is noted in its text, for a message must
/// not be lost to its attachment.
pub(crate) async fn complete(draft: Draft, downloader: &Downloader, now: Timestamp) -> Complete {
    let Draft { mut inbound, attachments, callback, edit_of } = draft;
    if !attachments.is_empty() {
        let mut media = Vec::with_capacity(attachments.len());
        let mut notes = Vec::new();
        for attachment in &attachments {
            match downloader.fetch(attachment).await {
                Ok(stored) => media.push(stored),
                Err(failure) => {
                    tracing::warn!(
                        chat_id = %inbound.conversation.chat_id,
                        message = %inbound.external_id,
                        error = %failure,
                        "an attachment was not fetched"
                    );
                    notes.push(note(attachment, &failure));
                }
            }
        }
        inbound.content = with_files(inbound.content.plain_text(), media, &notes);
    }
    if callback.is_some() {
        inbound.sent_at = now;
    }
    if let Some(message) = edit_of {
        let content = serde_json::to_string(&inbound.content).unwrap_or_default();
        match edit_id(&message, inbound.sent_at, &content) {
            Ok(id) => inbound.external_id = id,
            Err(error) => tracing::warn!(%message, %error, "an edit has no id of its own"),
        }
    }
    Complete { inbound, callback }
}

fn with_files(caption: &str, media: Vec<MediaRef>, notes: &[String]) -> MessageContent {
    let text = std::iter::once(caption)
        .chain(notes.iter().map(String::as_str))
        .filter(|part| !part.is_empty())
        .collect::<Vec<_>>()
        .join("\n");
    if media.is_empty() {
        return MessageContent::text(text);
    }
    MessageContent::Media { media, caption: Some(text).filter(|text| !text.is_empty()) }
}

fn note(attachment: &Attachment, failure: &DownloadFailure) -> String {
    let name = attachment.file_name.as_ref().map(|name| format!(" {name:?}")).unwrap_or_default();
    let what = attachment.what;
    match failure {
        DownloadFailure::TooLarge { limit } => {
            format!("[{what}{name} not received: larger than {} MB]", limit / (1024 * 1024))
        }
        DownloadFailure::Refused(_) | DownloadFailure::Transfer(_) | DownloadFailure::Store(_) => {
            format!("[{what}{name} could not be received]")
        }
    }
}
