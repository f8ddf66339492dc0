use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};

use super::bot::FakeBot;
use super::failure::Failure;
use super::post::Post;
use super::server::Service;

#[derive(Deserialize)]
#[serde(tag = "do", rename_all = "snake_case", deny_unknown_fields)]
enum Command {
    AddUser { user: i64, first_name: String, username: Option<String> },
    AddGroup { chat: i64, title: String, members: Vec<i64> },
    Say { chat: i64, user: i64, text: String, reply_to: Option<i64> },
    Edit { chat: i64, message: i64, text: String },
    Press { chat: i64, user: i64, message: i64, data: String },
    Migrate { chat: i64 },
    SetBlocked { user: i64, blocked: bool },
    SetRevoked { revoked: bool },
    FailNext { method: String, times: u32, failure: Failure },
    Sent { chat: i64, at_least: Option<usize>, wait_ms: Option<u64> },
    Updates {},
    Journal {},
    Violations {},
}

/// Serves `POST /control/<token>` with one command as JSON, such as
/// `{"do":"say","chat":1,"user":1,"text":"hi"}`.
pub(crate) async fn handle(service: &Service, token: &str, body: &[u8]) -> (u16, Value) {
    let Some(bot) = service.bot(token) else {
        return (404, json!({ "error": "no bot has this token" }));
    };
    match serde_json::from_slice(body) {
        Ok(command) => (200, perform(&bot, command).await),
        Err(error) => (400, json!({ "error": error.to_string() })),
    }
}

async fn perform(bot: &FakeBot, command: Command) -> Value {
    match command {
        Command::AddUser { user, first_name, username } => {
            bot.add_user(user, &first_name, username.as_deref());
        }
        Command::AddGroup { chat, title, members } => bot.add_group(chat, &title, &members),
        Command::Say { chat, user, text, reply_to } => {
            let post = Post::text(text);
            let post = match reply_to {
                Some(message) => post.reply_to(message),
                None => post,
            };
            return json!({ "message_id": bot.post(chat, user, post) });
        }
        Command::Edit { chat, message, text } => bot.edit(chat, message, &text),
        Command::Press { chat, user, message, data } => {
            return json!({ "callback_query_id": bot.press(chat, user, message, &data) });
        }
        Command::Migrate { chat } => return json!({ "chat": bot.migrate(chat) }),
        Command::SetBlocked { user, blocked } => bot.set_blocked(user, blocked),
        Command::SetRevoked { revoked } => bot.set_revoked(revoked),
        Command::FailNext { method, times, failure } => bot.fail_next(&method, times, failure),
        Command::Sent { chat, at_least, wait_ms } => {
            let at_least = at_least.unwrap_or(0);
            let timeout = Duration::from_millis(wait_ms.unwrap_or(0).min(60_000));
            let enough = |bot: &FakeBot| (bot.sent(chat).len() >= at_least).then_some(());
            let complete = bot.wait_for(enough, timeout).await.is_some();
            return json!({ "complete": complete, "sent": bot.sent(chat) });
        }
        Command::Updates {} => {
            return json!({
                "pending": bot.pending_updates(), "confirmed": bot.confirmed_updates(),
            });
        }
        Command::Journal {} => return json!({ "journal": bot.journal() }),
        Command::Violations {} => return json!({ "violations": bot.violations() }),
    }
    json!({})
}
