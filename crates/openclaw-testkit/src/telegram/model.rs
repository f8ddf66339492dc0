use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use serde_json::{Map, Value, json};

/// Somebody with a Telegram account.
#[derive(Debug, Clone)]
pub(crate) struct User {
    pub(crate) id: i64,
    pub(crate) first_name: String,
    pub(crate) username: Option<String>,
    pub(crate) is_bot: bool,
    pub(crate) blocked_us: bool,
    pub(crate) deactivated: bool,
}

impl User {
    pub(crate) fn json(&self) -> Value {
        let mut user =
            json!({ "id": self.id, "is_bot": self.is_bot, "first_name": self.first_name });
        if let Some(username) = &self.username {
            user["username"] = Value::from(username.as_str());
        }
        user
    }
}

/// The type of a chat.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ChatType {
    Private,
    Group,
    Supergroup { forum: bool },
    Channel,
}

impl ChatType {
    fn name(self) -> &'static str {
        match self {
            Self::Private => "private",
            Self::Group => "group",
            Self::Supergroup { .. } => "supergroup",
            Self::Channel => "channel",
        }
    }

    pub(crate) fn counts_for_itself(self) -> bool {
        matches!(self, Self::Supergroup { .. } | Self::Channel)
    }
}

/// A chat with its messages.
#[derive(Debug, Clone)]
pub(crate) struct Chat {
    pub(crate) id: i64,
    pub(crate) kind: ChatType,
    pub(crate) title: String,
    pub(crate) members: BTreeSet<i64>,
    pub(crate) kicked_us: bool,
    pub(crate) migrated_to: Option<i64>,
    pub(crate) topics: BTreeMap<i64, String>,
    pub(crate) messages: BTreeMap<i64, StoredMessage>,
    pub(crate) next_message_id: i64,
    pub(crate) actions: Vec<Value>,
}

impl Chat {
    pub(crate) fn new(id: i64, kind: ChatType, title: &str) -> Self {
        Self {
            id,
            kind,
            title: title.to_owned(),
            members: BTreeSet::new(),
            kicked_us: false,
            migrated_to: None,
            topics: BTreeMap::new(),
            messages: BTreeMap::new(),
            // The first is the report that the chat was made, and stands for a forum's general topic.
            next_message_id: 2,
            actions: Vec::new(),
        }
    }

    /// The `Chat` object; for a private chat with the other person's names.
    pub(crate) fn json(&self, users: &BTreeMap<i64, User>) -> Value {
        let mut chat = json!({ "id": self.id, "type": self.kind.name() });
        match self.kind {
            ChatType::Private => {
                if let Some(user) = users.get(&self.id) {
                    chat["first_name"] = Value::from(user.first_name.as_str());
                    if let Some(username) = &user.username {
                        chat["username"] = Value::from(username.as_str());
                    }
                }
            }
            ChatType::Supergroup { forum: true } => {
                chat["title"] = Value::from(self.title.as_str());
                chat["is_forum"] = Value::from(true);
            }
            ChatType::Group | ChatType::Supergroup { .. } | ChatType::Channel => {
                chat["title"] = Value::from(self.title.as_str());
            }
        }
        chat
    }
}

/// A message as it stands in a chat.
#[derive(Debug, Clone)]
pub(crate) struct StoredMessage {
    /// The `Message` object.
    pub(crate) json: Map<String, Value>,
    pub(crate) by_us: bool,
    /// The method that made it; empty for what people wrote.
    pub(crate) method: &'static str,
    /// The text or caption as it was given, with its markup.
    pub(crate) source: String,
    pub(crate) edits: Vec<(String, String)>,
    pub(crate) deleted: bool,
    pub(crate) reactions: Vec<String>,
    pub(crate) file: Option<String>,
}

impl StoredMessage {
    pub(crate) fn text(&self) -> &str {
        ["text", "caption"]
            .iter()
            .find_map(|key| self.json.get(*key).and_then(Value::as_str))
            .unwrap_or_default()
    }
}

/// A file that can be downloaded by its id.
#[derive(Debug, Clone)]
pub(crate) struct StoredFile {
    pub(crate) path: String,
    pub(crate) name: String,
    pub(crate) bytes: Bytes,
    /// The size that is claimed, which may be above what is there.
    pub(crate) size: u64,
}
