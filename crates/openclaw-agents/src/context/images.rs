use std::collections::HashMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use openclaw_core::MediaId;
use openclaw_media::MediaStore;
use openclaw_storage::rows::{TranscriptKind, TranscriptRow};
use rig_core::message::{ImageMediaType, ToolResultContent, UserContent};
use serde::Deserialize;

use crate::input::LARGEST_IMAGE;
use crate::transcript::{ImageEntry, ToolResultEntry};

/// How many images of the conversation a model is shown: the newest.
const SHOWN: usize = 8;

/// The images of a conversation, encoded.
#[derive(Debug, Default)]
pub(crate) struct Images(HashMap<MediaId, String>);

/// The part of an entry that names images.
#[derive(Deserialize)]
struct WithImages {
    #[serde(default)]
    images: Vec<ImageEntry>,
}

impl Images {
    /// Reads the newest images that these rows name. One that cannot be read is not shown.
    pub(crate) async fn load(rows: &[TranscriptRow], media: &MediaStore) -> Self {
        let named = rows
            .iter()
            .rev()
            .filter(|row| {
                matches!(row.kind, TranscriptKind::User | TranscriptKind::ToolResult)
                    && row.data.get("images").is_some()
            })
            .filter_map(|row| WithImages::deserialize(&row.data).ok())
            .flat_map(|entry| entry.images)
            .take(SHOWN);
        Self::read(named, media).await
    }

    /// Reads the images that tools gave.
    pub(crate) async fn of_results(results: &[ToolResultEntry], media: &MediaStore) -> Self {
        Self::read(results.iter().flat_map(|result| result.images.clone()).take(SHOWN), media).await
    }

    async fn read(named: impl Iterator<Item = ImageEntry>, media: &MediaStore) -> Self {
        let mut images = HashMap::new();
        for image in named {
            if images.contains_key(&image.media_id) {
                continue;
            }
            match media.read(&image.media_id, LARGEST_IMAGE).await {
                Ok(bytes) => {
                    images.insert(image.media_id, STANDARD.encode(bytes));
                }
                Err(error) => {
                    tracing::warn!(media_id = %image.media_id, %error, "an image is not shown");
                }
            }
        }
        Self(images)
    }

    pub(super) fn of_user(&self, image: &ImageEntry) -> UserContent {
        match (self.0.get(&image.media_id), media_type(&image.mime_type)) {
            (Some(data), Some(kind)) => UserContent::image_base64(data, Some(kind), None),
            _ => UserContent::text("[an image that is not shown any more]"),
        }
    }

    pub(super) fn of_result(&self, image: &ImageEntry) -> ToolResultContent {
        match (self.0.get(&image.media_id), media_type(&image.mime_type)) {
            (Some(data), Some(kind)) => ToolResultContent::image_base64(data, Some(kind), None),
            _ => ToolResultContent::text("[an image that is not shown any more]"),
        }
    }
}

fn media_type(mime_type: &str) -> Option<ImageMediaType> {
    match mime_type {
        "image/png" => Some(ImageMediaType::PNG),
        "image/jpeg" => Some(ImageMediaType::JPEG),
        "image/gif" => Some(ImageMediaType::GIF),
        "image/webp" => Some(ImageMediaType::WEBP),
        _ => None,
    }
}
