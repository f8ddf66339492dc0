use std::time::Duration;

use openclaw_channel_traits::{Channel, DeliveryError};
use openclaw_core::{
    ChatAddress, DeleteMessage, EditMessage, ExternalId, Outbound, OutboxId, Poll, React, SendPoll,
    ThreadId, Typing,
};
use openclaw_testkit::telegram::Failure;
use serde_json::json;

use crate::support::{ANN, FORUM, PNG, Service, TEAM, chat, id, message, message_id, send};

fn topic(thread: i64) -> ChatAddress {
    let thread_id = Some(ThreadId::new(thread.to_string()).expect("a thread id"));
    ChatAddress { thread_id, ..chat(FORUM) }
}

#[tokio::test]
async fn markdown_becomes_what_telegram_shows() {
    let service = Service::start().await;
    let text =
        "# Title\n\n**bold** and *it* [x](https://a.b/?c=1&d=2) `1 < 2`\n\n```rust\nfn x() {}\n```";
    let receipt = send(&service.channel(), ANN, text).await.expect("sent");
    let sent = service.bot.sent(ANN);
    let kinds: Vec<_> = sent[0].entities.iter().filter_map(|e| e["type"].as_str()).collect();
    for kind in ["bold", "italic", "text_link", "code", "pre"] {
        assert!(kinds.contains(&kind), "{kind} in {kinds:?} of {}", sent[0].source);
    }
    assert!(sent[0].text.contains("1 < 2"));
    assert_eq!(message_id(&receipt), sent[0].message_id);
    assert_eq!(service.bot.violations(), Vec::<String>::new());
}

#[tokio::test]
async fn markup_the_service_refuses_goes_out_plain() {
    let service = Service::start().await;
    let description = "can't parse entities: Unsupported start tag".to_owned();
    service.bot.fail_next("sendMessage", 1, Failure::BadRequest { description });
    send(&service.channel(), ANN, "**bold** <x>").await.expect("sent plain");
    let sent = service.bot.sent(ANN);
    assert_eq!(sent.len(), 1);
    assert_eq!(sent[0].text, "bold <x>");
    assert_eq!(service.bot.calls("sendMessage")[1].get("parse_mode"), None);
}

#[tokio::test]
async fn replies_and_topics_are_kept() {
    let service = Service::start().await;
    let channel = service.channel();
    let thread = service.bot.add_topic(FORUM, "Plans");
    let question = service.bot.say(TEAM, ANN, "why?");
    let mut answer = message(chat(TEAM), "because");
    answer.reply_to = Some(id(question));
    channel.deliver(Outbound::Send(answer.clone())).await.expect("sent");
    assert_eq!(service.bot.sent(TEAM)[0].reply_to, Some(question));
    // A message that is gone, and an event that is none, are no reason to keep the answer back.
    for reply_to in ["9999", "callback:1", "12:react:5:1:abcd"] {
        answer.reply_to = Some(ExternalId::new(reply_to).expect("an id"));
        channel.deliver(Outbound::Send(answer.clone())).await.expect("sent");
    }
    assert!(service.bot.sent(TEAM)[1..].iter().all(|sent| sent.reply_to.is_none()));

    channel.deliver(Outbound::Send(message(topic(thread), "in it"))).await.expect("sent");
    channel.deliver(Outbound::Send(message(topic(1), "general"))).await.expect("sent");
    let threads: Vec<_> = service.bot.sent(FORUM).iter().map(|sent| sent.thread_id).collect();
    assert_eq!(threads, [Some(thread), None]);
    let gone = channel.deliver(Outbound::Send(message(topic(500), "?"))).await;
    assert!(matches!(gone, Err(DeliveryError::Refused(_))), "{gone:?}");
    assert_eq!(service.bot.violations(), Vec::<String>::new());
}

#[tokio::test]
async fn an_edit_changes_text_or_caption_and_may_be_repeated() {
    let service = Service::start().await;
    let channel = service.channel();
    let target = send(&channel, ANN, "before").await.expect("sent").external_id.expect("an id");
    let edit = EditMessage { chat: chat(ANN), target, text: "**after**".to_owned() };
    for _ in 0..2 {
        let receipt = channel.deliver(Outbound::Edit(edit.clone())).await.expect("edited");
        assert_eq!(receipt.external_id.as_ref(), Some(&edit.target));
    }
    let sent = service.bot.sent(ANN);
    assert_eq!((sent[0].text.as_str(), sent[0].edits.len()), ("after", 1));

    let mut photo = message(chat(ANN), "caption");
    photo.media.push(service.store(PNG, "a.png").await);
    let receipt = channel.deliver(Outbound::Send(photo)).await.expect("sent");
    let target = receipt.external_id.expect("an id");
    let edit = EditMessage { chat: chat(ANN), target, text: "other".to_owned() };
    channel.deliver(Outbound::Edit(edit)).await.expect("edited");
    assert_eq!(service.bot.sent(ANN)[1].text, "other");

    let unknown = EditMessage { chat: chat(ANN), target: id(9_999), text: "x".to_owned() };
    let refused = channel.deliver(Outbound::Edit(unknown)).await;
    assert!(matches!(refused, Err(DeliveryError::Refused(_))), "{refused:?}");
}

#[tokio::test]
async fn deleting_twice_is_deleting_once() {
    let service = Service::start().await;
    let channel = service.channel();
    let target = send(&channel, ANN, "wrong").await.expect("sent").external_id.expect("an id");
    for _ in 0..2 {
        let delete = DeleteMessage { chat: chat(ANN), target: target.clone() };
        channel.deliver(Outbound::Delete(delete)).await.expect("deleted");
    }
    assert!(service.bot.sent(ANN)[0].deleted);
}

#[tokio::test]
async fn reactions_are_set_cleared_and_refused() {
    let service = Service::start().await;
    let channel = service.channel();
    let message = service.bot.say(ANN, ANN, "hi");
    let react = |emoji: Option<&str>| {
        Outbound::React(React {
            chat: chat(ANN),
            target: id(message),
            emoji: emoji.map(str::to_owned),
        })
    };
    // With the variation selector that keyboards add.
    channel.deliver(react(Some("❤\u{fe0f}"))).await.expect("set");
    assert_eq!(service.bot.reactions(ANN, message), ["❤"]);
    channel.deliver(react(None)).await.expect("cleared");
    assert_eq!(service.bot.reactions(ANN, message), Vec::<String>::new());
    let refused = channel.deliver(react(Some("🦀"))).await;
    assert!(matches!(refused, Err(DeliveryError::Refused(_))), "{refused:?}");
}

#[tokio::test]
async fn typing_and_polls_go_where_they_belong() {
    let service = Service::start().await;
    let channel = service.channel();
    let thread = service.bot.add_topic(FORUM, "Plans");
    channel.deliver(Outbound::Typing(Typing { chat: topic(thread) })).await.expect("shown");
    assert_eq!(
        service.bot.actions(FORUM),
        [json!({ "action": "typing", "message_thread_id": thread })]
    );
    let poll = Poll {
        question: "What?".to_owned(),
        options: vec!["tea".to_owned(), "coffee".to_owned()],
        multiple: true,
    };
    let key = OutboxId::new("key").expect("a key");
    let outbound = Outbound::Poll(SendPoll { chat: topic(thread), poll, key });
    let receipt = channel.deliver(outbound).await.expect("sent");
    let sent = service.bot.sent(FORUM);
    assert_eq!(message_id(&receipt), sent[0].message_id);
    assert_eq!(sent[0].json["poll"]["allows_multiple_answers"], true);
    assert_eq!(sent[0].thread_id, Some(thread));
    assert_eq!(service.bot.violations(), Vec::<String>::new());
}

#[tokio::test]
async fn refusals_name_what_to_do_next() {
    let service = Service::start().await;
    let channel = service.channel();
    service.bot.set_blocked(ANN, true);
    let blocked = send(&channel, ANN, "hi").await;
    assert!(matches!(blocked, Err(DeliveryError::Blocked(_))), "{blocked:?}");
    let unknown = send(&channel, 424_242, "hi").await;
    assert!(matches!(unknown, Err(DeliveryError::Refused(_))), "{unknown:?}");
    let to = service.bot.migrate(TEAM);
    let moved = send(&channel, TEAM, "hi").await;
    assert_eq!(moved, Err(DeliveryError::Migrated(chat(to).chat_id)));
    service.bot.kick(to);
    let kicked = send(&channel, to, "hi").await;
    assert!(matches!(kicked, Err(DeliveryError::Blocked(_))), "{kicked:?}");
    let empty = send(&channel, FORUM, "  ").await;
    assert!(matches!(empty, Err(DeliveryError::Refused(_))), "{empty:?}");
    let long = send(&channel, FORUM, &"x".repeat(4_097)).await;
    assert!(matches!(long, Err(DeliveryError::TooLarge(_))), "{long:?}");
    let no_chat = message(ChatAddress { thread_id: None, ..chat(1) }, "x");
    let no_chat = openclaw_core::SendMessage {
        chat: ChatAddress {
            chat_id: openclaw_core::ChatId::new("somewhere").expect("an id"),
            thread_id: None,
        },
        ..no_chat
    };
    let refused = channel.deliver(Outbound::Send(no_chat)).await;
    assert!(matches!(refused, Err(DeliveryError::Refused(_))), "{refused:?}");
}

#[tokio::test]
async fn what_the_service_says_of_itself_is_told_apart() {
    let service = Service::start().await;
    let channel = service.channel();
    for (failure, check) in [
        (
            Failure::RateLimited { retry_after: 9 },
            (|error| *error == DeliveryError::RetryAfter(Duration::from_secs(9)))
                as fn(&DeliveryError) -> bool,
        ),
        (Failure::Unauthorized, |error| matches!(error, DeliveryError::Auth(_))),
        (Failure::Drop, |error| matches!(error, DeliveryError::Unknown(_))),
        (Failure::Hang, |error| matches!(error, DeliveryError::Unknown(_))),
    ] {
        service.bot.fail_next("sendMessage", 1, failure.clone());
        let error = send(&channel, ANN, "hi").await.expect_err("it fails");
        assert!(check(&error), "{failure:?}: {error:?}");
    }
}

#[tokio::test]
async fn an_answer_that_was_cut_after_the_id_is_a_success() {
    let service = Service::start().await;
    service.bot.fail_next("sendMessage", 1, Failure::Truncated);
    let receipt = send(&service.channel(), ANN, "hi").await.expect("the id was there");
    assert_eq!(message_id(&receipt), service.bot.sent(ANN)[0].message_id);
}

#[tokio::test]
async fn a_service_that_is_not_there_is_unreachable() {
    let service = Service::start().await;
    let channel = service.channel();
    drop(service);
    // The listener closes a moment after the fake is dropped.
    let mut result = send(&channel, ANN, "hi").await;
    for _ in 0..50 {
        if matches!(result, Err(DeliveryError::Unreachable(_))) {
            break;
        }
        tokio::task::yield_now().await;
        result = send(&channel, ANN, "hi").await;
    }
    assert!(matches!(result, Err(DeliveryError::Unreachable(_))), "{result:?}");
}
