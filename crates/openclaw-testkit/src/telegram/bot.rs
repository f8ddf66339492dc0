use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use bytes::Bytes;
use openclaw_core::Clock;
use serde_json::{Value, json};
use tokio::sync::watch;

use super::answer::ApiError;
use super::driver::JournalEntry;
use super::failure::{Failure, ScriptedFailure};
use super::model::{Chat, ChatType, StoredFile, StoredMessage, User};
use super::updates::Updates;

/// One bot of the fake service: what its client did, and the people and groups around it.
#[derive(Clone)]
pub struct FakeBot {
    shared: Arc<Shared>,
}

struct Shared {
    token: String,
    clock: Arc<dyn Clock>,
    state: Mutex<BotState>,
    version: watch::Sender<u64>,
}

impl fmt::Debug for FakeBot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FakeBot").finish_non_exhaustive()
    }
}

impl FakeBot {
    pub(crate) fn new(token: &str, username: &str, clock: Arc<dyn Clock>) -> Self {
        let id = token.split(':').next().and_then(|id| id.parse().ok()).unwrap_or(1);
        let me = User {
            id,
            first_name: username.to_owned(),
            username: Some(username.to_owned()),
            is_bot: true,
            blocked_us: false,
            deactivated: false,
        };
        let state = BotState::new(me);
        let shared = Shared {
            token: token.to_owned(),
            clock,
            state: Mutex::new(state),
            version: watch::Sender::new(0),
        };
        Self { shared: Arc::new(shared) }
    }

    /// The token its client has to present.
    pub fn token(&self) -> &str {
        &self.shared.token
    }

    pub(crate) fn read(&self) -> MutexGuard<'_, BotState> {
        self.shared.state.lock().expect("no panic while the state is held")
    }

    /// Changes the state and wakes whoever waits for it.
    pub(crate) fn change<T>(&self, change: impl FnOnce(&mut BotState) -> T) -> T {
        let outcome = {
            let mut state = self.read();
            state.now = self.shared.clock.now().as_millis() / 1_000;
            change(&mut state)
        };
        self.shared.version.send_modify(|version| *version += 1);
        outcome
    }

    /// As [`Self::change`], but nobody is woken where nothing changed.
    pub(crate) fn change_if<T>(
        &self,
        change: impl FnOnce(&mut BotState) -> Option<T>,
    ) -> Option<T> {
        let outcome = change(&mut self.read())?;
        self.shared.version.send_modify(|version| *version += 1);
        Some(outcome)
    }

    pub(crate) fn changes(&self) -> watch::Receiver<u64> {
        self.shared.version.subscribe()
    }

    /// Waits until the look gives something, looking again after every change; `None` when the time
    /// is over.
    pub async fn wait_for<T>(
        &self,
        look: impl Fn(&Self) -> Option<T>,
        timeout: Duration,
    ) -> Option<T> {
        let mut changes = self.changes();
        let search = async {
            loop {
                changes.mark_unchanged();
                if let Some(found) = look(self) {
                    return Some(found);
                }
                if changes.changed().await.is_err() {
                    return None;
                }
            }
        };
        tokio::time::timeout(timeout, search).await.ok().flatten()
    }
}

/// Everything the service knows for one bot.
pub(crate) struct BotState {
    pub(crate) me: User,
    /// Unix seconds.
    pub(crate) now: i64,
    pub(crate) revoked: bool,
    pub(crate) reads_all_group_messages: bool,
    pub(crate) users: BTreeMap<i64, User>,
    pub(crate) chats: BTreeMap<i64, Chat>,
    pub(crate) files: BTreeMap<String, StoredFile>,
    pub(crate) updates: Updates,
    pub(crate) webhook: Option<String>,
    /// By the scope they are shown in.
    pub(crate) commands: BTreeMap<String, Vec<Value>>,
    pub(crate) callbacks: BTreeMap<String, bool>,
    pub(crate) failures: VecDeque<ScriptedFailure>,
    pub(crate) journal: Vec<JournalEntry>,
    pub(crate) violations: Vec<String>,
    next_message_id: i64,
    next_number: u64,
}

impl BotState {
    fn new(me: User) -> Self {
        Self {
            me,
            now: 0,
            revoked: false,
            reads_all_group_messages: true,
            users: BTreeMap::new(),
            chats: BTreeMap::new(),
            files: BTreeMap::new(),
            updates: Updates::default(),
            webhook: None,
            commands: BTreeMap::new(),
            callbacks: BTreeMap::new(),
            failures: VecDeque::new(),
            journal: Vec::new(),
            violations: Vec::new(),
            next_message_id: 1,
            next_number: 1,
        }
    }

    /// A number that no earlier call got.
    pub(crate) fn number(&mut self) -> u64 {
        let number = self.next_number;
        self.next_number += 1;
        number
    }

    pub(crate) fn user_json(&self, id: i64) -> Value {
        if id == self.me.id {
            return self.me.json();
        }
        self.users.get(&id).map_or(Value::Null, User::json)
    }

    pub(crate) fn chat_json(&self, id: i64) -> Value {
        self.chats.get(&id).map_or(Value::Null, |chat| chat.json(&self.users))
    }

    /// The next message id in this chat: own counters for supergroups, one for all others.
    pub(crate) fn take_message_id(&mut self, chat: i64) -> i64 {
        match self.chats.get_mut(&chat) {
            Some(chat) if chat.kind.counts_for_itself() => {
                chat.next_message_id += 1;
                chat.next_message_id - 1
            }
            _ => {
                self.next_message_id += 1;
                self.next_message_id - 1
            }
        }
    }

    /// The chat the bot may write to.
    pub(crate) fn writable_chat(&self, reference: Option<&Value>) -> Result<i64, ApiError> {
        let chat = self.known_chat(reference)?;
        if let Some(to) = chat.migrated_to {
            return Err(ApiError::migrated(to));
        }
        if chat.kicked_us {
            return Err(ApiError::forbidden(match chat.kind {
                ChatType::Supergroup { .. } => "bot was kicked from the supergroup chat",
                ChatType::Channel => "bot was kicked from the channel chat",
                ChatType::Group | ChatType::Private => "bot was kicked from the group chat",
            }));
        }
        if chat.kind == ChatType::Private {
            match self.users.get(&chat.id) {
                Some(user) if user.deactivated => {
                    return Err(ApiError::forbidden("user is deactivated"));
                }
                Some(user) if user.blocked_us => {
                    return Err(ApiError::forbidden("bot was blocked by the user"));
                }
                Some(user) if user.is_bot => {
                    return Err(ApiError::forbidden("bot can't send messages to bots"));
                }
                Some(_) | None => {}
            }
        }
        Ok(chat.id)
    }

    /// The chat with this id or `@name`.
    pub(crate) fn known_chat(&self, reference: Option<&Value>) -> Result<&Chat, ApiError> {
        let reference = reference.ok_or_else(|| ApiError::bad_request("chat_id is empty"))?;
        let found = match reference {
            Value::String(name) => self.users.values().find_map(|user| {
                let username = user.username.as_deref()?;
                (name.strip_prefix('@') == Some(username)).then(|| self.chats.get(&user.id))?
            }),
            number => number.as_i64().and_then(|id| self.chats.get(&id)),
        };
        found.ok_or_else(|| ApiError::bad_request("chat not found"))
    }

    pub(crate) fn message(&self, chat: i64, id: i64) -> Option<&StoredMessage> {
        self.chats.get(&chat)?.messages.get(&id).filter(|message| !message.deleted)
    }

    pub(crate) fn message_mut(&mut self, chat: i64, id: i64) -> Option<&mut StoredMessage> {
        self.chats.get_mut(&chat)?.messages.get_mut(&id).filter(|message| !message.deleted)
    }

    pub(crate) fn insert(&mut self, chat: i64, id: i64, message: StoredMessage) {
        if let Some(chat) = self.chats.get_mut(&chat) {
            chat.messages.insert(id, message);
        }
    }

    /// Keeps a file and gives its id.
    pub(crate) fn store_file(&mut self, folder: &str, name: &str, bytes: Bytes) -> String {
        let number = self.number();
        let extension = name.rsplit_once('.').map_or("", |(_, extension)| extension);
        let dot = if extension.is_empty() { "" } else { "." };
        let id = format!("AgACAgFile{number:06}");
        let file = StoredFile {
            path: format!("{folder}/file_{number}{dot}{extension}"),
            name: name.to_owned(),
            size: bytes.len() as u64,
            bytes,
        };
        self.files.insert(id.clone(), file);
        id
    }

    pub(crate) fn take_failure(&mut self, method: &str) -> Option<Failure> {
        let index = self.failures.iter().position(|failure| failure.is_for(method))?;
        let scripted = &mut self.failures[index];
        scripted.times -= 1;
        let failure = scripted.failure.clone();
        if scripted.times == 0 {
            self.failures.remove(index);
        }
        Some(failure)
    }

    /// A message object with what every message has.
    pub(crate) fn message_base(
        &self,
        chat: i64,
        from: i64,
        id: i64,
    ) -> serde_json::Map<String, Value> {
        let mut message = serde_json::Map::new();
        message.insert("message_id".to_owned(), Value::from(id));
        if self.chats.get(&chat).is_some_and(|chat| chat.kind == ChatType::Channel) {
            message.insert("sender_chat".to_owned(), self.chat_json(chat));
        } else {
            message.insert("from".to_owned(), self.user_json(from));
        }
        message.insert("chat".to_owned(), self.chat_json(chat));
        message.insert("date".to_owned(), Value::from(self.now));
        message
    }

    /// A message as another message quotes it: without its own reply.
    pub(crate) fn quoted(&self, chat: i64, id: i64) -> Option<Value> {
        let mut quoted = self.message(chat, id)?.json.clone();
        quoted.remove("reply_to_message");
        Some(Value::Object(quoted))
    }

    pub(crate) fn photo_sizes(&self, file_id: &str) -> Value {
        let size = self.files.get(file_id).map_or(0, |file| file.size);
        json!([
            { "file_id": format!("{file_id}s"), "file_unique_id": format!("u{file_id}s"),
              "width": 90, "height": 60, "file_size": size.min(900) },
            { "file_id": file_id, "file_unique_id": format!("u{file_id}"),
              "width": 900, "height": 600, "file_size": size },
        ])
    }
}
