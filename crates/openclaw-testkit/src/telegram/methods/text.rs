use serde_json::Value;

use crate::telegram::answer::ApiError;
use crate::telegram::call::Call;
use crate::telegram::entities::{find_entities, utf16_len};
use crate::telegram::html::parse_html;

/// A text as it is shown, its entities, and as it was given.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Formatted {
    pub(super) text: String,
    pub(super) entities: Vec<Value>,
    pub(super) source: String,
}

impl Formatted {
    /// Reads the text parameter with its parse mode; trimmed as the service does it.
    pub(super) fn read(
        source: &str,
        parse_mode: Option<&str>,
        entities: Option<&Value>,
    ) -> Result<Self, ApiError> {
        let (text, entities) = match parse_mode.map(str::to_ascii_lowercase).as_deref() {
            Some("html") => parse_html(source)
                .map_err(|error| ApiError::bad_request(format!("can't parse entities: {error}")))?,
            None | Some("") => {
                let given = entities.and_then(Value::as_array).cloned();
                (source.to_owned(), given.unwrap_or_else(|| find_entities(source)))
            }
            Some(_) => return Err(ApiError::bad_request("unsupported parse_mode")),
        };
        let text = text.trim_end().to_owned();
        Ok(Self { text, entities, source: source.to_owned() })
    }

    pub(super) fn of_call(call: &Call, key: &str, entities: &str) -> Result<Self, ApiError> {
        Self::read(call.text(key).unwrap_or_default(), call.text("parse_mode"), call.json(entities))
    }

    pub(super) fn is_blank(&self) -> bool {
        self.text.trim().is_empty()
    }

    pub(super) fn length(&self) -> usize {
        utf16_len(&self.text)
    }

    /// Writes the text into a message object.
    pub(super) fn put(&self, message: &mut serde_json::Map<String, Value>, caption: bool) {
        let (text, entities) =
            if caption { ("caption", "caption_entities") } else { ("text", "entities") };
        message.insert(text.to_owned(), Value::from(self.text.as_str()));
        if self.entities.is_empty() {
            message.remove(entities);
        } else {
            message.insert(entities.to_owned(), Value::Array(self.entities.clone()));
        }
    }
}
