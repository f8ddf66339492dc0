use openclaw_core::{ChatKind, Inbound, InboundKind, MessageContent};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::{Draft, Event, event, group};
use crate::api::BotAccount;
use crate::wire::Update;

fn me() -> BotAccount {
    BotAccount { id: 99, username: Some("My_Bot".to_owned()), first_name: None }
}

fn events(updates: Vec<Value>) -> Vec<Event> {
    let updates = updates.into_iter().filter_map(Update::read).collect();
    group(updates).into_iter().map(|group| event(group, &me())).collect()
}

fn draft(kind: &str, content: Value) -> Draft {
    let mut events = events(vec![json!({ "update_id": 1, kind: content })]);
    match events.pop() {
        Some(Event::Inbound(draft)) => *draft,
        other => panic!("nothing to hand in: {other:?}"),
    }
}

fn inbound(message: Value) -> Inbound {
    draft("message", message).inbound
}

fn group_message(extra: Value) -> Value {
    let mut message = json!({
        "message_id": 7, "date": 1_700_000_000,
        "from": { "id": 5, "first_name": "Ann", "last_name": "Lee", "username": "ann" },
        "chat": { "id": -100, "type": "supergroup", "title": "Team" },
    });
    for (key, value) in extra.as_object().expect("an object") {
        message[key] = value.clone();
    }
    message
}

#[test]
fn a_message_with_an_unknown_entity_keeps_its_text() {
    let message = inbound(group_message(json!({
        "text": "hello", "brand_new_field": { "a": 1 },
        "entities": [{ "type": "not_yet_invented", "offset": 0, "length": 5, "extra": true }],
    })));
    assert_eq!(message.content, MessageContent::text("hello"));
    assert_eq!(message.external_id.as_str(), "7");
    assert_eq!(message.conversation.kind, ChatKind::Group);
    assert_eq!(message.conversation.title.as_deref(), Some("Team"));
    assert_eq!(message.sender.display_name.as_deref(), Some("Ann Lee"));
    assert_eq!(message.sender.username.as_deref(), Some("ann"));
    assert_eq!(message.sent_at.as_millis(), 1_700_000_000_000);
}

#[test]
fn mentions_are_found_whatever_stands_before_them() {
    let mentioned = |text: &str, entity: Value| {
        let extra = json!({ "text": text, "entities": [entity] });
        inbound(group_message(extra)).mentions_self
    };
    let at = |kind: &str, offset: usize, length: usize| json!({ "type": kind, "offset": offset, "length": length });
    // The emoji is two UTF-16 units.
    assert!(mentioned("😀 @my_bot hi", at("mention", 3, 7)));
    assert!(!mentioned("😀 @my_bots hi", at("mention", 3, 8)));
    assert!(mentioned("/run@My_bot", at("bot_command", 0, 11)));
    assert!(!mentioned("/run@other", at("bot_command", 0, 10)));
    assert!(!mentioned("/run", at("bot_command", 0, 4)));
    assert!(mentioned(
        "Bot hi",
        json!({
            "type": "text_mention", "offset": 0, "length": 3, "user": { "id": 99 },
        })
    ));
    assert!(!mentioned("@my_bot", at("mention", 400, 7)), "an offset beyond the text");
    assert!(!mentioned("😀", at("mention", 1, usize::MAX)), "a length beyond all numbers");
}

#[test]
fn a_command_for_the_bot_is_written_without_its_name() {
    let text = |text: &str, length: usize| {
        let extra = json!({
            "text": text,
            "entities": [{ "type": "bot_command", "offset": 0, "length": length }],
        });
        inbound(group_message(extra)).content.plain_text().to_owned()
    };
    assert_eq!(text("/run@my_bot now", 11), "/run now");
    assert_eq!(text("/run@other now", 10), "/run@other now");
}

#[test]
fn an_answer_to_the_bot_addresses_it_and_carries_what_is_quoted() {
    let reply = json!({
        "message_id": 6, "date": 1, "chat": { "id": -100, "type": "supergroup" },
        "from": { "id": 99, "is_bot": true, "first_name": "Bot" }, "text": "a long answer",
    });
    let answer = inbound(group_message(json!({ "text": "why?", "reply_to_message": reply })));
    assert!(answer.mentions_self);
    let context = answer.reply_to.expect("it answers");
    assert_eq!(context.external_id.as_str(), "6");
    assert!(context.from_self);
    assert_eq!(context.text.as_deref(), Some("a long answer"));

    let quoted = inbound(group_message(json!({
        "text": "why?", "reply_to_message": reply, "quote": { "text": "long", "position": 2 },
    })));
    assert_eq!(quoted.reply_to.and_then(|reply| reply.text).as_deref(), Some("long"));
}

#[test]
fn a_topic_is_a_thread_and_its_opening_is_not_answered() {
    let opening = json!({
        "message_id": 3, "date": 1, "chat": { "id": -100, "type": "supergroup" },
        "from": { "id": 99, "first_name": "Bot" }, "forum_topic_created": { "name": "x" },
    });
    let message = inbound(group_message(json!({
        "text": "hi", "message_thread_id": 3, "is_topic_message": true,
        "reply_to_message": opening,
    })));
    assert_eq!(message.conversation.thread_id.as_ref().map(|id| id.as_str()), Some("3"));
    assert_eq!(message.reply_to, None);
    assert!(!message.mentions_self);

    let thread_of_replies = inbound(group_message(json!({ "text": "x", "message_thread_id": 3 })));
    assert_eq!(thread_of_replies.conversation.thread_id, None);
}

#[test]
fn an_album_is_one_message() {
    let part = |id: i64, album: &str, caption: Option<&str>| {
        let mut message = group_message(json!({
            "media_group_id": album,
            "photo": [{ "file_id": "small" }, { "file_id": format!("p{id}") }],
        }));
        message["message_id"] = json!(id);
        if let Some(caption) = caption {
            message["caption"] = json!(caption);
        }
        json!({ "update_id": id, "message": message })
    };
    let events =
        events(vec![part(1, "a", None), part(2, "a", Some("both")), part(3, "b", Some("other"))]);
    let [Event::Inbound(album), Event::Inbound(single)] = &events[..] else {
        panic!("an album and a photo, not {events:?}");
    };
    assert_eq!(album.inbound.external_id.as_str(), "1");
    assert_eq!(album.inbound.content.plain_text(), "both");
    let files: Vec<_> = album.attachments.iter().map(|file| file.file_id.as_str()).collect();
    assert_eq!(files, ["p1", "p2"]);
    assert_eq!(single.inbound.content.plain_text(), "other");
}

#[test]
fn what_is_neither_text_nor_file_is_told_in_our_words() {
    let content = |extra: Value| inbound(group_message(extra)).content;
    insta::assert_json_snapshot!(
        [
            content(json!({ "location": { "latitude": 1.5, "longitude": 2.5 } })),
            content(json!({
                "location": { "latitude": 1.5, "longitude": 2.5 },
                "venue": {
                    "location": { "latitude": 1.5, "longitude": 2.5 },
                    "title": "Café", "address": "Main St 1",
                },
            })),
            content(json!({ "contact": {
                "first_name": "Bob", "last_name": "Ray", "phone_number": "+1",
            } })),
            content(json!({ "poll": {
                "question": "Q?", "options": [{ "text": "a" }, { "text": "b" }],
                "allows_multiple_answers": true,
            } })),
            content(json!({ "dice": { "emoji": "🎲", "value": 4 } })),
        ],
        @r#"
        [
          {
            "type": "location",
            "latitude": 1.5,
            "longitude": 2.5
          },
          {
            "type": "location",
            "latitude": 1.5,
            "longitude": 2.5,
            "label": "Café, Main St 1"
          },
          {
            "type": "contact",
            "name": "Bob Ray",
            "phone": "+1"
          },
          {
            "type": "poll",
            "question": "Q?",
            "options": [
              "a",
              "b"
            ],
            "multiple": true
          },
          {
            "type": "text",
            "text": "🎲 4"
          }
        ]
        "#
    );
}

#[test]
fn reports_of_the_service_are_nothing_for_us() {
    let joined = group_message(json!({ "new_chat_members": [{ "id": 5, "first_name": "Ann" }] }));
    let events = events(vec![json!({ "update_id": 1, "message": joined })]);
    assert!(matches!(events[..], [Event::Nothing]), "{events:?}");
}

#[test]
fn a_group_that_moved_is_told_from_both_ends() {
    let to = json!({ "update_id": 1, "message": {
        "message_id": 1, "date": 1, "chat": { "id": -5, "type": "group" },
        "migrate_to_chat_id": -1005,
    } });
    let from = json!({ "update_id": 2, "message": {
        "message_id": 1, "date": 1, "chat": { "id": -1005, "type": "supergroup" },
        "migrate_from_chat_id": -5,
    } });
    for event in events(vec![to, from]) {
        assert!(matches!(event, Event::Migrated { from: -5, to: -1005 }), "{event:?}");
    }
}

#[test]
fn reactions_and_presses_have_ids_of_their_own() {
    let reaction = draft(
        "message_reaction",
        json!({
            "chat": { "id": -100, "type": "supergroup" }, "message_id": 7, "date": 10,
            "user": { "id": 5, "first_name": "Ann" }, "old_reaction": [],
            "new_reaction": [{ "type": "emoji", "emoji": "👍" }],
        }),
    )
    .inbound;
    assert!(reaction.external_id.as_str().starts_with("7:react:5:10000:"));
    assert!(matches!(&reaction.kind, InboundKind::Reaction { target } if target.as_str() == "7"));
    assert_eq!(reaction.content.plain_text(), "reacted with 👍");

    let press = draft(
        "callback_query",
        json!({
            "id": "4242", "from": { "id": 5, "first_name": "Ann" }, "data": "yes", "message": {
                "message_id": 8, "date": 1, "chat": { "id": 5, "type": "private" }, "text": "ok?",
            },
        }),
    );
    assert_eq!(press.callback.as_deref(), Some("4242"));
    assert_eq!(press.inbound.external_id.as_str(), "callback:4242");
    assert_eq!(press.inbound.content.plain_text(), "yes");
    assert!(press.inbound.mentions_self);
}

#[test]
fn whoever_writes_as_a_channel_is_that_channel() {
    let post = draft(
        "channel_post",
        json!({
            "message_id": 7, "date": 1, "text": "news",
            "chat": { "id": -200, "type": "channel", "title": "News" },
            "sender_chat": { "id": -200, "type": "channel", "title": "News" },
        }),
    )
    .inbound;
    assert_eq!(post.conversation.kind, ChatKind::Channel);
    assert_eq!(post.sender.id.as_str(), "-200");
    assert_eq!(post.sender.display_name.as_deref(), Some("News"));
}

#[test]
fn what_cannot_be_read_keeps_its_update_id() {
    let update = Update::read(json!({ "update_id": 5, "message": { "chat": "gone" } }));
    let groups = group(update.into_iter().collect());
    assert_eq!(groups.iter().map(super::Group::last_id).collect::<Vec<_>>(), [5]);
    let unreadable = groups.into_iter().map(|group| event(group, &me())).next();
    assert!(matches!(unreadable, Some(Event::Unreadable { keys, .. }) if keys == ["message"]));
    assert!(Update::read(json!({ "message": {} })).is_none());
    assert!(Update::read(json!([1])).is_none());
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "\\PC{0,12}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((key(), inner), 0..6)
                .prop_map(|fields| fields.into_iter().collect::<serde_json::Map<_, _>>().into()),
        ]
    })
}

fn key() -> impl Strategy<Value = String> {
    prop::sample::select(vec![
        "message_id",
        "date",
        "chat",
        "id",
        "type",
        "from",
        "text",
        "entities",
        "offset",
        "length",
        "user",
        "photo",
        "file_id",
        "file_size",
        "reply_to_message",
        "quote",
        "caption",
        "poll",
        "options",
        "message_thread_id",
        "is_topic_message",
        "edit_date",
        "location",
        "latitude",
        "migrate_to_chat_id",
        "new_reaction",
        "emoji",
        "data",
        "message",
        "media_group_id",
    ])
    .prop_map(str::to_owned)
}

proptest! {
    #[test]
    fn no_update_makes_it_panic(
        kind in prop::sample::select(vec![
            "message", "edited_message", "channel_post", "message_reaction", "callback_query", "x",
        ]),
        contents in prop::collection::vec(any_json(), 1..4),
    ) {
        let updates: Vec<Value> = contents
            .into_iter()
            .zip(1..)
            .map(|(content, id)| json!({ "update_id": id, kind: content }))
            .collect();
        let count = updates.len();
        let outcomes = events(updates);
        prop_assert!(!outcomes.is_empty() && outcomes.len() <= count);
    }

    #[test]
    fn no_entity_makes_it_panic(text in "\\PC{0,20}", offset in 0usize..30, length in 0usize..30) {
        let message = group_message(json!({
            "text": text,
            "entities": [
                { "type": "bot_command", "offset": 0, "length": length },
                { "type": "mention", "offset": offset, "length": length },
            ],
        }));
        prop_assert!(!inbound(message).content.plain_text().contains('\0'));
    }
}
