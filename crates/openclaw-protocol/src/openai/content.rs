use std::fmt;

use schemars::JsonSchema;
use serde::de::{self, SeqAccess, Visitor, value::SeqAccessDeserializer};
use serde::{Deserialize, Deserializer};

/// What a message says: a text, or parts.
#[derive(Debug, Clone, PartialEq, JsonSchema)]
#[schemars(untagged)]
pub enum ChatContent {
    /// A text.
    Text(String),
    /// Parts in order.
    Parts(Vec<ChatPart>),
}

impl<'de> Deserialize<'de> for ChatContent {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;
        impl<'de> Visitor<'de> for Either {
            type Value = ChatContent;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string or an array of content parts")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<ChatContent, E> {
                Ok(ChatContent::Text(text.to_owned()))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, parts: A) -> Result<ChatContent, A::Error> {
                Vec::deserialize(SeqAccessDeserializer::new(parts)).map(ChatContent::Parts)
            }
        }
        deserializer.deserialize_any(Either)
    }
}

/// One part of a message.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ChatPart {
    /// Text.
    Text {
        /// The text.
        text: String,
    },
    /// An image.
    ImageUrl {
        /// Where it is.
        image_url: ImageUrl,
    },
    /// A recording.
    InputAudio {
        /// The recording.
        input_audio: InputAudio,
    },
    /// A file.
    File {
        /// The file.
        file: FileData,
    },
    /// Why the assistant did not answer.
    Refusal {
        /// The text.
        refusal: String,
    },
}

/// Where an image is.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
pub struct ImageUrl {
    /// A `data:` URL, or a public `http(s)` one that the gateway fetches.
    pub url: String,
}

/// A recording.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
pub struct InputAudio {
    /// Base64.
    pub data: String,
    /// `wav` or `mp3`.
    pub format: String,
}

/// A file.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
pub struct FileData {
    /// Base64, or a `data:` URL.
    #[serde(default)]
    pub file_data: Option<String>,
    /// Its name.
    #[serde(default)]
    pub filename: Option<String>,
    /// A file kept elsewhere; refused, as the gateway keeps none.
    #[serde(default)]
    pub file_id: Option<String>,
}
