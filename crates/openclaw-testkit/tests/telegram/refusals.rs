use openclaw_testkit::telegram::Post;
use serde_json::{Value, json};

use crate::http::{ANN, Wire};

const GROUP: i64 = -40;
const FORUM: i64 = -1_000_000_000_077;

#[tokio::test]
async fn refusals_are_worded_as_the_service_does() {
    let wire = Wire::start().await;
    wire.bot.add_forum(FORUM, "Forum", &[ANN]);
    let theirs = wire.bot.say(ANN, ANN, "hi");
    let ours = wire.ok("sendMessage", json!({ "chat_id": ANN, "text": "a" })).await;
    let ours = ours["message_id"].as_i64().expect("an id");
    let text = |text: &str| json!({ "chat_id": ANN, "text": text });
    let html = |text: &str| json!({ "chat_id": ANN, "text": text, "parse_mode": "HTML" });
    let edit = |id: i64, text: &str| json!({ "chat_id": ANN, "message_id": id, "text": text });
    let cases: Vec<(&str, Value)> = vec![
        ("sendMessage", json!({ "text": "x" })),
        ("sendMessage", json!({ "chat_id": 77, "text": "x" })),
        ("sendMessage", text("")),
        ("sendMessage", text(&"x".repeat(4_097))),
        ("sendMessage", html("<p>x</p>")),
        ("sendMessage", html("<b>x")),
        ("sendMessage", html("<b></b>")),
        ("sendMessage", json!({ "chat_id": FORUM, "text": "x", "message_thread_id": 9 })),
        (
            "sendMessage",
            json!({ "chat_id": ANN, "text": "x", "reply_parameters": { "message_id": 999 } }),
        ),
        ("editMessageText", edit(ours, "a")),
        ("editMessageText", edit(999, "b")),
        ("editMessageText", edit(theirs, "b")),
        ("editMessageText", edit(ours, &"x".repeat(4_097))),
        ("deleteMessage", json!({ "chat_id": ANN, "message_id": 999 })),
        (
            "setMessageReaction",
            json!({ "chat_id": ANN, "message_id": theirs, "reaction": [
            { "type": "emoji", "emoji": "🦀" }
        ] }),
        ),
        ("sendChatAction", json!({ "chat_id": ANN, "action": "thinking" })),
        ("sendPoll", json!({ "chat_id": ANN, "question": "?", "options": [{ "text": "a" }] })),
        ("sendPhoto", json!({ "chat_id": ANN })),
        ("sendPhoto", json!({ "chat_id": ANN, "photo": "no-such-file" })),
        ("sendMediaGroup", json!({ "chat_id": ANN, "media": [] })),
        ("getFile", json!({ "file_id": "none" })),
        ("answerCallbackQuery", json!({ "callback_query_id": "1" })),
        ("setMyCommands", json!({ "commands": [{ "command": "No!", "description": "x" }] })),
    ];
    let mut told = String::new();
    for (method, params) in cases {
        told += &format!("{method}: {}\n", wire.refusal(method, params).await);
    }
    insta::assert_snapshot!(told, @r#"
    sendMessage: Bad Request: chat_id is empty
    sendMessage: Bad Request: chat not found
    sendMessage: Bad Request: message text is empty
    sendMessage: Bad Request: message is too long
    sendMessage: Bad Request: can't parse entities: Unsupported start tag "p" at byte offset 0
    sendMessage: Bad Request: can't parse entities: Can't find end tag corresponding to start tag "b"
    sendMessage: Bad Request: message text is empty
    sendMessage: Bad Request: message thread not found
    sendMessage: Bad Request: message to be replied not found
    editMessageText: Bad Request: message is not modified: specified new message content and reply markup are exactly the same as a current content and reply markup of the message
    editMessageText: Bad Request: message to edit not found
    editMessageText: Bad Request: message can't be edited
    editMessageText: Bad Request: MESSAGE_TOO_LONG
    deleteMessage: Bad Request: message to delete not found
    setMessageReaction: Bad Request: REACTION_INVALID
    sendChatAction: Bad Request: wrong parameter action in request
    sendPoll: Bad Request: poll must have at least 2 option
    sendPhoto: Bad Request: there is no photo in the request
    sendPhoto: Bad Request: wrong file identifier/HTTP URL specified
    sendMediaGroup: Bad Request: media group must include 2-10 items
    getFile: Bad Request: wrong file_id or the file is temporarily unavailable
    answerCallbackQuery: Bad Request: query is too old and response timeout expired or query ID is invalid
    setMyCommands: Bad Request: BOT_COMMAND_INVALID
    "#);
    assert_eq!(wire.bot.violations(), Vec::<String>::new());
}

#[tokio::test]
async fn length_is_counted_after_the_markup() {
    let wire = Wire::start().await;
    let longest = format!("<b>{}</b>", "&lt;".repeat(4_096));
    wire.ok("sendMessage", json!({ "chat_id": ANN, "text": longest, "parse_mode": "HTML" })).await;
    // Half as many characters of two units each fill a message.
    wire.ok("sendMessage", json!({ "chat_id": ANN, "text": "😀".repeat(2_048) })).await;
    let long = json!({ "chat_id": ANN, "text": "😀".repeat(2_049) });
    assert_eq!(wire.refusal("sendMessage", long).await, "Bad Request: message is too long");
}

#[tokio::test]
async fn blocked_kicked_and_moved_chats_say_so() {
    let wire = Wire::start().await;
    wire.bot.add_group(GROUP, "Team", &[ANN]);
    wire.bot.set_blocked(ANN, true);
    let send = |chat: i64| json!({ "chat_id": chat, "text": "x" });
    let blocked = wire.refusal("sendMessage", send(ANN)).await;
    assert_eq!(blocked, "Forbidden: bot was blocked by the user");
    let to = wire.bot.migrate(GROUP);
    let moved = wire.call("sendMessage", send(GROUP)).await;
    assert_eq!(moved["parameters"], json!({ "migrate_to_chat_id": to }));
    wire.ok("sendMessage", send(to)).await;
    wire.bot.kick(to);
    let kicked = wire.refusal("sendMessage", send(to)).await;
    assert_eq!(kicked, "Forbidden: bot was kicked from the supergroup chat");
    let updates = wire.ok("getUpdates", json!({})).await;
    assert_eq!(updates[0]["message"]["migrate_to_chat_id"], to);
    assert_eq!(updates[1]["message"]["migrate_from_chat_id"], GROUP);
}

#[tokio::test]
async fn edits_keep_what_was_said_before() {
    let wire = Wire::start().await;
    let sent = wire.ok("sendMessage", json!({ "chat_id": ANN, "text": "one" })).await;
    for text in ["two", "<i>three</i>"] {
        let edit = json!({
            "chat_id": ANN, "message_id": sent["message_id"], "text": text, "parse_mode": "HTML",
        });
        wire.ok("editMessageText", edit).await;
    }
    let sent = wire.bot.sent(ANN);
    let before: Vec<_> = sent[0].edits.iter().map(|edit| edit.text.as_str()).collect();
    assert_eq!((before, sent[0].text.as_str()), (vec!["one", "two"], "three"));
    assert_eq!(sent[0].source, "<i>three</i>");
}

#[tokio::test]
async fn a_reply_carries_the_message_and_the_quote() {
    let wire = Wire::start().await;
    let theirs = wire.bot.post(ANN, ANN, Post::text("one two"));
    let reply = |quote: &str| {
        json!({
            "chat_id": ANN, "text": "x",
            "reply_parameters": { "message_id": theirs, "quote": quote },
        })
    };
    let sent = wire.ok("sendMessage", reply("two")).await;
    assert_eq!(sent["reply_to_message"]["message_id"], theirs);
    assert_eq!(sent["quote"], json!({ "text": "two", "position": 4 }));
    let refusal = wire.refusal("sendMessage", reply("three")).await;
    assert_eq!(refusal, "Bad Request: QUOTE_TEXT_INVALID");
}
