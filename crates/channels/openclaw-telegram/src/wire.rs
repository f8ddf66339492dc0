//! What we read of an update. Unknown fields and kinds are ignored, so that one of them does not cost
//! the rest of the message.

use serde::Deserialize;
use serde_json::Value;

/// The kinds of updates we ask for.
pub(crate) const ALLOWED_UPDATES: &[&str] = &[
    "message",
    "edited_message",
    "channel_post",
    "edited_channel_post",
    "message_reaction",
    "callback_query",
];

/// One update, or what is known of one that cannot be read.
#[derive(Debug)]
pub(crate) struct Update {
    pub(crate) id: i64,
    pub(crate) content: UpdateContent,
}

#[derive(Debug)]
pub(crate) enum UpdateContent {
    Message(Box<Message>),
    Edited(Box<Message>),
    Reaction(Box<Reaction>),
    Callback(Box<Callback>),
    /// The names of its keys, and why it cannot be read.
    Unreadable {
        keys: Vec<String>,
        error: String,
    },
}

impl Update {
    /// Reads an update; `None` where it has no id.
    pub(crate) fn read(update: Value) -> Option<Self> {
        let Value::Object(mut update) = update else {
            return None;
        };
        let id = update.remove("update_id")?.as_i64()?;
        let kinds: Vec<String> = update.keys().cloned().collect();
        let mut take = |kind: &str| update.remove(kind);
        let content = if let Some(message) = take("message").or_else(|| take("channel_post")) {
            serde_json::from_value(message).map(UpdateContent::Message)
        } else if let Some(message) = take("edited_message").or_else(|| take("edited_channel_post"))
        {
            serde_json::from_value(message).map(UpdateContent::Edited)
        } else if let Some(reaction) = take("message_reaction") {
            serde_json::from_value(reaction).map(UpdateContent::Reaction)
        } else if let Some(query) = take("callback_query") {
            serde_json::from_value(query).map(UpdateContent::Callback)
        } else {
            let error = "a kind of update that was not asked for".to_owned();
            return Some(Self { id, content: UpdateContent::Unreadable { keys: kinds, error } });
        };
        let content = content.unwrap_or_else(|error| UpdateContent::Unreadable {
            keys: kinds,
            error: error.to_string(),
        });
        Some(Self { id, content })
    }
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Message {
    pub(crate) message_id: i64,
    pub(crate) message_thread_id: Option<i64>,
    pub(crate) is_topic_message: bool,
    pub(crate) from: Option<User>,
    pub(crate) sender_chat: Option<Chat>,
    pub(crate) date: i64,
    pub(crate) edit_date: Option<i64>,
    pub(crate) chat: Chat,
    pub(crate) reply_to_message: Option<Box<Message>>,
    pub(crate) external_reply: Option<ExternalReply>,
    pub(crate) quote: Option<Quote>,
    pub(crate) media_group_id: Option<String>,
    pub(crate) text: Option<String>,
    pub(crate) entities: Vec<Entity>,
    pub(crate) caption: Option<String>,
    pub(crate) caption_entities: Vec<Entity>,
    pub(crate) photo: Vec<File>,
    pub(crate) document: Option<File>,
    pub(crate) audio: Option<File>,
    pub(crate) voice: Option<File>,
    pub(crate) video: Option<File>,
    pub(crate) video_note: Option<File>,
    pub(crate) animation: Option<File>,
    pub(crate) sticker: Option<Sticker>,
    pub(crate) location: Option<Point>,
    pub(crate) venue: Option<Venue>,
    pub(crate) contact: Option<Card>,
    pub(crate) poll: Option<Poll>,
    pub(crate) dice: Option<Dice>,
    pub(crate) migrate_to_chat_id: Option<i64>,
    pub(crate) migrate_from_chat_id: Option<i64>,
    pub(crate) forum_topic_created: Option<Value>,
}

#[derive(Debug, Clone, Default, Deserialize)]
pub(crate) struct Chat {
    pub(crate) id: i64,
    #[serde(rename = "type", default)]
    pub(crate) kind: String,
    #[serde(default)]
    pub(crate) title: Option<String>,
    #[serde(default)]
    pub(crate) username: Option<String>,
    #[serde(default)]
    pub(crate) first_name: Option<String>,
    #[serde(default)]
    pub(crate) last_name: Option<String>,
}

#[derive(Debug, Clone, Default, Deserialize)]
pub(crate) struct User {
    pub(crate) id: i64,
    #[serde(default)]
    pub(crate) is_bot: bool,
    #[serde(default)]
    pub(crate) first_name: String,
    #[serde(default)]
    pub(crate) last_name: Option<String>,
    #[serde(default)]
    pub(crate) username: Option<String>,
}

#[derive(Debug, Clone, Default, Deserialize)]
pub(crate) struct Entity {
    #[serde(rename = "type", default)]
    pub(crate) kind: String,
    #[serde(default)]
    pub(crate) offset: usize,
    #[serde(default)]
    pub(crate) length: usize,
    #[serde(default)]
    pub(crate) user: Option<User>,
}

#[derive(Debug, Clone, Default, Deserialize)]
pub(crate) struct Quote {
    #[serde(default)]
    pub(crate) text: String,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct ExternalReply {
    pub(crate) message_id: Option<i64>,
    pub(crate) chat: Option<Chat>,
}

#[derive(Debug, Clone, Default, Deserialize)]
pub(crate) struct File {
    pub(crate) file_id: String,
    #[serde(default)]
    pub(crate) file_name: Option<String>,
    #[serde(default)]
    pub(crate) file_size: Option<u64>,
}

#[derive(Debug, Clone, Default, Deserialize)]
pub(crate) struct Sticker {
    #[serde(flatten)]
    pub(crate) file: File,
    #[serde(default)]
    pub(crate) emoji: Option<String>,
}

#[derive(Debug, Clone, Default, Deserialize)]
pub(crate) struct Point {
    pub(crate) latitude: f64,
    pub(crate) longitude: f64,
}

#[derive(Debug, Clone, Default, Deserialize)]
pub(crate) struct Venue {
    pub(crate) location: Point,
    #[serde(default)]
    pub(crate) title: String,
    #[serde(default)]
    pub(crate) address: String,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Card {
    pub(crate) first_name: String,
    pub(crate) last_name: Option<String>,
    pub(crate) phone_number: Option<String>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Poll {
    pub(crate) question: String,
    pub(crate) options: Vec<PollOption>,
    pub(crate) allows_multiple_answers: bool,
}

#[derive(Debug, Clone, Default, Deserialize)]
pub(crate) struct PollOption {
    #[serde(default)]
    pub(crate) text: String,
}

#[derive(Debug, Clone, Default, Deserialize)]
pub(crate) struct Dice {
    pub(crate) emoji: String,
    pub(crate) value: i64,
}

#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Reaction {
    pub(crate) chat: Chat,
    pub(crate) message_id: i64,
    #[serde(default)]
    pub(crate) user: Option<User>,
    #[serde(default)]
    pub(crate) actor_chat: Option<Chat>,
    pub(crate) date: i64,
    #[serde(default)]
    pub(crate) new_reaction: Vec<ReactionKind>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct ReactionKind {
    pub(crate) emoji: Option<String>,
    pub(crate) custom_emoji_id: Option<String>,
}

#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Callback {
    pub(crate) id: String,
    pub(crate) from: User,
    #[serde(default)]
    pub(crate) message: Option<Message>,
    #[serde(default)]
    pub(crate) data: Option<String>,
}
