use bytes::Bytes;
use serde_json::{Map, Value, json};

use super::entities::find_entities;

/// Something a person writes into a chat.
#[derive(Debug, Clone, Default)]
pub struct Post {
    pub(crate) fields: Map<String, Value>,
    pub(crate) file: Option<PostedFile>,
    pub(crate) reply_to: Option<i64>,
    pub(crate) thread: Option<i64>,
}

#[derive(Debug, Clone)]
pub(crate) struct PostedFile {
    pub(crate) kind: &'static str,
    pub(crate) name: String,
    pub(crate) mime_type: String,
    pub(crate) bytes: Bytes,
    pub(crate) claimed_size: Option<u64>,
}

impl Post {
    /// Text, with the mentions, commands and links in it.
    pub fn text(text: impl Into<String>) -> Self {
        let text = text.into();
        let mut post = Self::default();
        let entities = find_entities(&text);
        post.fields.insert("text".to_owned(), Value::from(text));
        if !entities.is_empty() {
            post.fields.insert("entities".to_owned(), Value::Array(entities));
        }
        post
    }

    /// A photo.
    pub fn photo(bytes: impl Into<Bytes>) -> Self {
        Self::file("photo", "photo.jpg", "image/jpeg", bytes)
    }

    /// A document.
    pub fn document(
        name: impl Into<String>,
        mime_type: impl Into<String>,
        bytes: impl Into<Bytes>,
    ) -> Self {
        Self::file("document", name, mime_type, bytes)
    }

    /// A voice note.
    pub fn voice(bytes: impl Into<Bytes>) -> Self {
        Self::file("voice", "voice.oga", "audio/ogg", bytes)
    }

    /// A file under any key of the `Message` object: `audio`, `video`, `animation`, `sticker`, ….
    pub fn file(
        kind: &'static str,
        name: impl Into<String>,
        mime_type: impl Into<String>,
        bytes: impl Into<Bytes>,
    ) -> Self {
        let file = PostedFile {
            kind,
            name: name.into(),
            mime_type: mime_type.into(),
            bytes: bytes.into(),
            claimed_size: None,
        };
        Self { file: Some(file), ..Self::default() }
    }

    /// A place.
    pub fn location(latitude: f64, longitude: f64) -> Self {
        Self::default().field("location", json!({ "latitude": latitude, "longitude": longitude }))
    }

    /// A contact card.
    pub fn contact(name: &str, phone: &str) -> Self {
        Self::default().field("contact", json!({ "first_name": name, "phone_number": phone }))
    }

    /// A poll.
    pub fn poll(question: &str, options: &[&str]) -> Self {
        let options: Vec<Value> =
            options.iter().map(|text| json!({ "text": text, "voter_count": 0 })).collect();
        Self::default().field(
            "poll",
            json!({
                "id": "77", "question": question, "options": options, "total_voter_count": 0,
                "is_closed": false, "is_anonymous": true, "type": "regular",
                "allows_multiple_answers": false,
            }),
        )
    }

    /// The text below a file.
    #[must_use]
    pub fn caption(self, caption: &str) -> Self {
        let entities = find_entities(caption);
        let post = self.field("caption", Value::from(caption));
        if entities.is_empty() {
            post
        } else {
            post.field("caption_entities", Value::Array(entities))
        }
    }

    /// The message it answers.
    #[must_use]
    pub fn reply_to(mut self, message: i64) -> Self {
        self.reply_to = Some(message);
        self
    }

    /// The part of the answered message that is quoted.
    #[must_use]
    pub fn quote(self, text: &str) -> Self {
        self.field("quote", json!({ "text": text, "position": 0 }))
    }

    /// The topic it stands in.
    #[must_use]
    pub fn thread(mut self, thread: i64) -> Self {
        self.thread = Some(thread);
        self
    }

    /// The album it is part of.
    #[must_use]
    pub fn album(self, id: &str) -> Self {
        self.field("media_group_id", Value::from(id))
    }

    /// Claims that the file is this large.
    #[must_use]
    pub fn claimed_size(mut self, size: u64) -> Self {
        if let Some(file) = &mut self.file {
            file.claimed_size = Some(size);
        }
        self
    }

    /// Sets any field of the `Message` object.
    #[must_use]
    pub fn field(mut self, key: &str, value: Value) -> Self {
        self.fields.insert(key.to_owned(), value);
        self
    }
}
