use serde::{Deserialize, Serialize};
use serde_json::Value;
use teloxide::requests::Payload;

/// `getMe`.
#[derive(Debug, Serialize)]
pub(crate) struct GetMe {}

/// The bot's own account.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct BotAccount {
    pub(crate) id: i64,
    #[serde(default)]
    pub(crate) username: Option<String>,
    #[serde(default)]
    pub(crate) first_name: Option<String>,
}

impl BotAccount {
    /// The name people know it by.
    pub(crate) fn name(&self) -> String {
        match (&self.username, &self.first_name) {
            (Some(username), _) => format!("@{username}"),
            (None, Some(name)) => name.clone(),
            (None, None) => self.id.to_string(),
        }
    }
}

impl Payload for GetMe {
    type Output = BotAccount;
    const NAME: &'static str = "GetMe";
}

/// `getUpdates`, answered as it comes so that no update is lost to a field we do not know.
#[derive(Debug, Serialize)]
pub(crate) struct GetUpdates {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) offset: Option<i64>,
    pub(crate) limit: u8,
    pub(crate) timeout: u64,
    pub(crate) allowed_updates: &'static [&'static str],
}

impl Payload for GetUpdates {
    type Output = Vec<Value>;
    const NAME: &'static str = "GetUpdates";
}

/// `getFile`.
#[derive(Debug, Serialize)]
pub(crate) struct GetFile {
    pub(crate) file_id: String,
}

/// Where a file can be downloaded.
#[derive(Debug, Deserialize)]
pub(crate) struct FileInfo {
    pub(crate) file_path: Option<String>,
    pub(crate) file_size: Option<u64>,
}

impl Payload for GetFile {
    type Output = FileInfo;
    const NAME: &'static str = "GetFile";
}

/// `getChat`.
#[derive(Debug, Serialize)]
pub(crate) struct GetChat {
    pub(crate) chat_id: teloxide::types::Recipient,
}

/// A chat, or the person of a private chat.
#[derive(Debug, Deserialize)]
pub(crate) struct ChatInfo {
    pub(crate) id: i64,
    #[serde(rename = "type")]
    pub(crate) kind: String,
    pub(crate) title: Option<String>,
    pub(crate) username: Option<String>,
    pub(crate) first_name: Option<String>,
    pub(crate) last_name: Option<String>,
}

impl Payload for GetChat {
    type Output = ChatInfo;
    const NAME: &'static str = "GetChat";
}
