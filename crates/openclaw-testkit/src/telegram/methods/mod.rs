mod account;
mod chats;
mod delete;
mod edit;
mod files;
mod media;
mod poll;
mod reaction;
mod send;
mod text;

pub(crate) use send::has_topics;

use super::answer::{ApiError, ApiResult};
use super::bot::BotState;
use super::call::Call;

/// Does a call; `getUpdates` is elsewhere because it waits.
pub(crate) fn perform(state: &mut BotState, call: &Call) -> ApiResult {
    match call.spec.name {
        "getMe" => account::get_me(state),
        "setWebhook" => account::set_webhook(state, call),
        "deleteWebhook" => account::delete_webhook(state, call),
        "getWebhookInfo" => account::get_webhook_info(state),
        "getMyCommands" => account::get_my_commands(state, call),
        "setMyCommands" => account::set_my_commands(state, call),
        "sendMessage" => send::message(state, call),
        "sendLocation" => send::location(state, call),
        "sendPoll" => poll::send(state, call),
        "sendPhoto" | "sendDocument" | "sendVoice" => media::send(state, call),
        "sendMediaGroup" => media::send_group(state, call),
        "editMessageText" => edit::text(state, call),
        "editMessageCaption" => edit::caption(state, call),
        "deleteMessage" => delete::message(state, call),
        "setMessageReaction" => reaction::set(state, call),
        "sendChatAction" => chats::action(state, call),
        "getChat" => chats::get(state, call),
        "getChatMember" => chats::member(state, call),
        "getFile" => files::get(state, call),
        "answerCallbackQuery" => account::answer_callback(state, call),
        _ => Err(ApiError::not_found()),
    }
}
