use std::time::Duration;

use bytes::Bytes;
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::bot::{BotState, FakeBot};
use super::entities::find_entities;
use super::failure::{Failure, ScriptedFailure};
use super::methods::has_topics;
use super::model::{Chat, ChatType, StoredMessage, User};
use super::post::{Post, PostedFile};

/// One call of the client.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct JournalEntry {
    /// The method, spelled as in the documentation.
    pub method: String,
    /// Its parameters in their proper types; an upload is `attach://<part>`.
    pub params: Value,
}

/// A message the bot sent.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SentMessage {
    /// Its id.
    pub message_id: i64,
    /// The method that sent it.
    pub method: String,
    /// The text or caption as people see it.
    pub text: String,
    /// The text or caption as it was given, with its markup.
    pub source: String,
    /// The entities of the text or caption.
    pub entities: Vec<Value>,
    /// The file in it.
    pub file: Option<SentFile>,
    /// The message it answers.
    pub reply_to: Option<i64>,
    /// The topic it stands in.
    pub thread_id: Option<i64>,
    /// What it said before, oldest first.
    pub edits: Vec<Edit>,
    /// Whether the bot deleted it.
    pub deleted: bool,
    /// The whole `Message` object.
    pub json: Value,
}

/// What a message said before it was edited.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Edit {
    /// As people saw it.
    pub text: String,
    /// As it was given.
    pub source: String,
}

/// A file the bot sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SentFile {
    /// Its name.
    pub name: String,
    /// Its size in bytes.
    pub size: usize,
    /// Its bytes.
    #[serde(skip)]
    pub bytes: Bytes,
}

/// People and chats.
impl FakeBot {
    /// Somebody who has started the bot: the private chat has the same id.
    pub fn add_user(&self, id: i64, first_name: &str, username: Option<&str>) {
        self.add_account(id, first_name, username, false);
        self.change(|state| {
            let mut chat = Chat::new(id, ChatType::Private, first_name);
            chat.members.insert(id);
            state.chats.insert(id, chat);
        });
    }

    /// Another bot, to be a member of groups.
    pub fn add_bot_user(&self, id: i64, username: &str) {
        self.add_account(id, username, Some(username), true);
    }

    fn add_account(&self, id: i64, first_name: &str, username: Option<&str>, is_bot: bool) {
        let user = User {
            id,
            first_name: first_name.to_owned(),
            username: username.map(str::to_owned),
            is_bot,
            blocked_us: false,
            deactivated: false,
        };
        self.change(|state| state.users.insert(id, user));
    }

    /// A basic group; its id is negative.
    pub fn add_group(&self, id: i64, title: &str, members: &[i64]) {
        self.add_chat(id, ChatType::Group, title, members);
    }

    /// A supergroup; its id begins with -100.
    pub fn add_supergroup(&self, id: i64, title: &str, members: &[i64]) {
        self.add_chat(id, ChatType::Supergroup { forum: false }, title, members);
    }

    /// A supergroup with topics.
    pub fn add_forum(&self, id: i64, title: &str, members: &[i64]) {
        self.add_chat(id, ChatType::Supergroup { forum: true }, title, members);
    }

    /// A channel.
    pub fn add_channel(&self, id: i64, title: &str) {
        self.add_chat(id, ChatType::Channel, title, &[]);
    }

    fn add_chat(&self, id: i64, kind: ChatType, title: &str, members: &[i64]) {
        let mut chat = Chat::new(id, kind, title);
        chat.members.extend(members);
        self.change(|state| state.chats.insert(id, chat));
    }

    /// Opens a topic in a forum and gives its thread id.
    pub fn add_topic(&self, chat: i64, title: &str) -> i64 {
        self.change(|state| {
            let id = state.take_message_id(chat);
            if let Some(chat) = state.chats.get_mut(&chat).filter(|chat| has_topics(chat.kind)) {
                chat.topics.insert(id, title.to_owned());
            }
            id
        })
    }

    /// The person blocks the bot, or unblocks it.
    pub fn set_blocked(&self, user: i64, blocked: bool) {
        self.change(|state| {
            if let Some(user) = state.users.get_mut(&user) {
                user.blocked_us = blocked;
            }
        });
    }

    /// The bot is removed from a group.
    pub fn kick(&self, chat: i64) {
        self.change(|state| {
            if let Some(chat) = state.chats.get_mut(&chat) {
                chat.kicked_us = true;
            }
        });
    }

    /// The token stops being valid, or is valid again.
    pub fn set_revoked(&self, revoked: bool) {
        self.change(|state| state.revoked = revoked);
    }

    /// The group becomes a supergroup; gives its new id.
    pub fn migrate(&self, chat: i64) -> i64 {
        self.change(|state| {
            let to = -1_000_000_000_000 - chat.abs();
            let Some(old) = state.chats.get_mut(&chat) else {
                return chat;
            };
            old.migrated_to = Some(to);
            let author = old.members.first().copied().unwrap_or(state.me.id);
            let mut new = Chat::new(to, ChatType::Supergroup { forum: false }, &old.title);
            new.members = old.members.clone();
            state.chats.insert(to, new);
            let service = Post::default().field("migrate_to_chat_id", Value::from(to));
            store_post(state, chat, author, service);
            let service = Post::default().field("migrate_from_chat_id", Value::from(chat));
            store_post(state, to, author, service);
            to
        })
    }

    /// A webhook is set, as by somebody else.
    pub fn set_webhook(&self, url: &str) {
        self.change(|state| state.webhook = Some(url.to_owned()));
    }
}

/// What people do.
impl FakeBot {
    /// Writes text; gives the message id.
    pub fn say(&self, chat: i64, user: i64, text: &str) -> i64 {
        self.post(chat, user, Post::text(text))
    }

    /// Writes anything; gives the message id.
    pub fn post(&self, chat: i64, user: i64, post: Post) -> i64 {
        self.change(|state| store_post(state, chat, user, post))
    }

    /// Changes the text of a message that a person wrote.
    pub fn edit(&self, chat: i64, message: i64, text: &str) {
        self.change(|state| {
            let now = state.now;
            let Some(stored) = state.message_mut(chat, message) else {
                return;
            };
            let (key, entities_key) = if stored.file.is_some() {
                ("caption", "caption_entities")
            } else {
                ("text", "entities")
            };
            stored.json.insert(key.to_owned(), Value::from(text));
            let entities = find_entities(text);
            stored.json.remove(entities_key);
            if !entities.is_empty() {
                stored.json.insert(entities_key.to_owned(), Value::Array(entities));
            }
            stored.json.insert("edit_date".to_owned(), Value::from(now));
            let content = Value::Object(stored.json.clone());
            let channel = content["chat"]["type"] == "channel";
            let kind = if channel { "edited_channel_post" } else { "edited_message" };
            state.updates.push(kind, content);
        });
    }

    /// Reacts to a message; the old reactions of the person are given too.
    pub fn react(&self, chat: i64, user: i64, message: i64, old: &[&str], new: &[&str]) {
        let list = |emoji: &[&str]| -> Value {
            emoji.iter().map(|emoji| json!({ "type": "emoji", "emoji": emoji })).collect()
        };
        self.change(|state| {
            let reaction = json!({
                "chat": state.chat_json(chat),
                "message_id": message,
                "user": state.user_json(user),
                "date": state.now,
                "old_reaction": list(old),
                "new_reaction": list(new),
            });
            state.updates.push("message_reaction", reaction);
        });
    }

    /// Presses a button below a message of the bot; gives the id of the query.
    pub fn press(&self, chat: i64, user: i64, message: i64, data: &str) -> String {
        self.change(|state| {
            let id = format!("{}", 4_000_000_000 + state.number());
            let query = json!({
                "id": id,
                "from": state.user_json(user),
                "message": state.quoted(chat, message),
                "chat_instance": "1",
                "data": data,
            });
            state.callbacks.insert(id.clone(), false);
            state.updates.push("callback_query", query);
            id
        })
    }

    /// Queues an update with whatever content, as a newer service might send it.
    pub fn push_update(&self, update: Value) {
        self.change(|state| state.updates.push_raw(update));
    }
}

/// What the client did, and what is to go wrong.
impl FakeBot {
    /// Makes the next calls of a method fail; `*` is any method, `download` the download of files.
    pub fn fail_next(&self, method: &str, times: u32, failure: Failure) {
        if times == 0 {
            return;
        }
        let scripted = ScriptedFailure { method: method.to_owned(), times, failure };
        self.change(|state| state.failures.push_back(scripted));
    }

    /// What the bot sent to a chat, in order, deleted messages too.
    pub fn sent(&self, chat: i64) -> Vec<SentMessage> {
        let state = self.read();
        let Some(chat) = state.chats.get(&chat) else {
            return Vec::new();
        };
        chat.messages
            .iter()
            .filter(|(_, message)| message.by_us)
            .map(|(id, message)| sent_message(&state, *id, message))
            .collect()
    }

    /// Waits until the bot has sent so many messages to a chat.
    ///
    /// # Panics
    /// When that takes longer than `timeout`; the message shows what was sent.
    pub async fn wait_for_sent(
        &self,
        chat: i64,
        count: usize,
        timeout: Duration,
    ) -> Vec<SentMessage> {
        let look = |bot: &Self| Some(bot.sent(chat)).filter(|sent| sent.len() >= count);
        match self.wait_for(look, timeout).await {
            Some(sent) => sent,
            None => panic!("{count} messages were not sent in {timeout:?}: {:#?}", self.sent(chat)),
        }
    }

    /// The bot's own reactions to a message.
    pub fn reactions(&self, chat: i64, message: i64) -> Vec<String> {
        self.read().message(chat, message).map(|m| m.reactions.clone()).unwrap_or_default()
    }

    /// What the bot showed as being done in a chat, such as typing.
    pub fn actions(&self, chat: i64) -> Vec<Value> {
        self.read().chats.get(&chat).map(|chat| chat.actions.clone()).unwrap_or_default()
    }

    /// Every call, in order.
    pub fn journal(&self) -> Vec<JournalEntry> {
        self.read().journal.clone()
    }

    /// Every call as one JSON object a line, for `validators/telegram_requests.py`.
    pub fn journal_lines(&self) -> String {
        self.journal()
            .iter()
            .map(|entry| {
                let line = json!({ "method": entry.method, "params": entry.params });
                format!("{line}\n")
            })
            .collect()
    }

    /// The parameters of every call of one method.
    pub fn calls(&self, method: &str) -> Vec<Value> {
        let state = self.read();
        let calls = state.journal.iter().filter(|entry| entry.method == method);
        calls.map(|entry| entry.params.clone()).collect()
    }

    /// What the client did that no right client does.
    pub fn violations(&self) -> Vec<String> {
        self.read().violations.clone()
    }

    /// How many updates are not confirmed.
    pub fn pending_updates(&self) -> usize {
        self.read().updates.pending()
    }

    /// The ids of the updates that are not confirmed.
    pub fn pending_update_ids(&self) -> Vec<i64> {
        self.read().updates.pending_ids()
    }

    /// The id of the newest update; one below the first id when there was none.
    pub fn last_update_id(&self) -> i64 {
        self.read().updates.last_id()
    }

    /// How many updates were confirmed.
    pub fn confirmed_updates(&self) -> u64 {
        self.read().updates.confirmed
    }

    /// How many polls were answered with updates.
    pub fn answered_polls(&self) -> u64 {
        self.read().updates.batches
    }

    /// Whether a webhook is set.
    pub fn has_webhook(&self) -> bool {
        self.read().webhook.is_some()
    }

    /// Whether a button press was answered.
    pub fn is_answered(&self, callback: &str) -> bool {
        self.read().callbacks.get(callback).copied().unwrap_or(false)
    }

    /// The commands that were set for chats of a scope, such as `all_private_chats`.
    pub fn commands(&self, scope: &str) -> Vec<Value> {
        self.read().commands.get(scope).cloned().unwrap_or_default()
    }
}

fn sent_message(state: &BotState, id: i64, message: &StoredMessage) -> SentMessage {
    let json = &message.json;
    let entities = json.get("entities").or_else(|| json.get("caption_entities"));
    let file = message.file.as_ref().and_then(|id| state.files.get(id)).map(|file| SentFile {
        name: file.name.clone(),
        size: file.bytes.len(),
        bytes: file.bytes.clone(),
    });
    let edits = message
        .edits
        .iter()
        .map(|(text, source)| Edit { text: text.clone(), source: source.clone() })
        .collect();
    SentMessage {
        message_id: id,
        method: message.method.to_owned(),
        text: message.text().to_owned(),
        source: message.source.clone(),
        entities: entities.and_then(Value::as_array).cloned().unwrap_or_default(),
        file,
        reply_to: json.get("reply_to_message").and_then(|reply| reply["message_id"].as_i64()),
        thread_id: json.get("message_thread_id").and_then(Value::as_i64),
        edits,
        deleted: message.deleted,
        json: Value::Object(json.clone()),
    }
}

fn store_post(state: &mut BotState, chat: i64, user: i64, post: Post) -> i64 {
    let id = state.take_message_id(chat);
    let mut message = state.message_base(chat, user, id);
    if let Some(thread) = post.thread {
        message.insert("message_thread_id".to_owned(), Value::from(thread));
        message.insert("is_topic_message".to_owned(), Value::from(true));
    }
    if let Some(replied) = post.reply_to.and_then(|reply| state.quoted(chat, reply)) {
        message.insert("reply_to_message".to_owned(), replied);
    }
    let file = post.file.map(|file| put_file(state, &mut message, file));
    message.extend(post.fields);
    let stored = StoredMessage {
        json: message.clone(),
        by_us: false,
        method: "",
        source: String::new(),
        edits: Vec::new(),
        deleted: false,
        reactions: Vec::new(),
        file,
    };
    state.insert(chat, id, stored);
    let channel = state.chats.get(&chat).is_some_and(|chat| chat.kind == ChatType::Channel);
    let kind = if channel { "channel_post" } else { "message" };
    state.updates.push(kind, Value::Object(message));
    id
}

fn put_file(state: &mut BotState, message: &mut Map<String, Value>, file: PostedFile) -> String {
    let id = state.store_file(&format!("{}s", file.kind), &file.name, file.bytes);
    if let (Some(size), Some(stored)) = (file.claimed_size, state.files.get_mut(&id)) {
        stored.size = size;
    }
    let size = state.files.get(&id).map_or(0, |file| file.size);
    let content = match file.kind {
        "photo" => state.photo_sizes(&id),
        kind => {
            let mut content = json!({
                "file_id": id, "file_unique_id": format!("u{id}"), "file_size": size,
                "mime_type": file.mime_type,
            });
            if matches!(kind, "document" | "audio" | "video" | "animation") {
                content["file_name"] = Value::from(file.name);
            }
            if matches!(kind, "voice" | "audio" | "video" | "animation" | "video_note") {
                content["duration"] = Value::from(1);
            }
            if matches!(kind, "video" | "animation" | "sticker") {
                content["width"] = Value::from(512);
                content["height"] = Value::from(512);
            }
            if kind == "sticker" {
                content["type"] = Value::from("regular");
                content["emoji"] = Value::from("🙂");
                content["is_animated"] = Value::from(false);
                content["is_video"] = Value::from(false);
            }
            content
        }
    };
    message.insert(file.kind.to_owned(), content);
    id
}
