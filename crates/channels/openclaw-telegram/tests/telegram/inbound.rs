use openclaw_channel_traits::Accept;
use openclaw_core::{ChatKind, InboundKind, MessageContent};
use openclaw_testkit::telegram::{FakeBot, Post};
use serde_json::json;

use crate::support::{ANN, BOB, FORUM, PATIENCE, PNG, Service, TEAM, chat};

async fn confirmed(bot: &FakeBot, count: u64) {
    let look = |bot: &FakeBot| (bot.confirmed_updates() >= count).then_some(());
    bot.wait_for(look, PATIENCE).await.expect("confirmed in time");
}

#[tokio::test]
async fn a_message_names_account_chat_and_sender() {
    let service = Service::start().await;
    let running = service.connect().await;
    let message = service.bot.say(TEAM, ANN, "hello @fake_bot");
    let event = running.ingress.only().await;
    assert_eq!(event.conversation.channel_id.as_str(), "telegram/work");
    assert_eq!(event.conversation.address(), chat(TEAM));
    assert_eq!(event.conversation.kind, ChatKind::Group);
    assert_eq!(event.conversation.title.as_deref(), Some("Team"));
    assert_eq!(event.external_id.as_str(), message.to_string());
    assert_eq!(event.sender.id.as_str(), ANN.to_string());
    assert_eq!(event.sender.username.as_deref(), Some("ann"));
    assert!(!event.sender.is_bot);
    assert!(event.mentions_self);
    assert_eq!(event.content, MessageContent::text("hello @fake_bot"));
    running.stop().await;
    assert_eq!(service.bot.violations(), Vec::<String>::new());
}

#[tokio::test]
async fn topics_replies_and_quotes_are_kept() {
    let service = Service::start().await;
    let topic = service.bot.add_topic(FORUM, "Plans");
    let running = service.connect().await;
    let first = service.bot.post(FORUM, BOB, Post::text("one two three").thread(topic));
    let answer = Post::text("which?").thread(topic).reply_to(first).quote("two");
    service.bot.post(FORUM, ANN, answer);
    let events = running.ingress.wait_for(2).await;
    for event in &events {
        let thread = event.conversation.thread_id.as_ref().map(|thread| thread.to_string());
        assert_eq!(thread, Some(topic.to_string()));
    }
    let reply = events[1].reply_to.as_ref().expect("it answers");
    assert_eq!(reply.external_id, events[0].external_id);
    assert_eq!(reply.author.as_deref(), Some("Bob"));
    assert_eq!(reply.text.as_deref(), Some("two"));
    assert!(!reply.from_self && !events[1].mentions_self);
    running.stop().await;
}

#[tokio::test]
async fn an_answer_to_the_bot_is_meant_for_it() {
    let service = Service::start().await;
    let running = service.connect().await;
    let receipt = crate::support::send(&running.channel, TEAM, "a question?").await.expect("sent");
    let own = crate::support::message_id(&receipt);
    service.bot.post(TEAM, ANN, Post::text("yes").reply_to(own));
    let event = running.ingress.only().await;
    assert!(event.mentions_self);
    assert!(event.reply_to.expect("it answers").from_self);
    running.stop().await;
}

#[tokio::test]
async fn reactions_and_presses_are_handed_in() {
    let service = Service::start().await;
    let running = service.connect().await;
    let message = service.bot.say(TEAM, ANN, "hello");
    running.ingress.wait_for(1).await;
    service.bot.react(TEAM, BOB, message, &[], &["👍"]);
    let receipt = crate::support::send(&running.channel, ANN, "sure?").await.expect("sent");
    let query = service.bot.press(ANN, ANN, crate::support::message_id(&receipt), "yes");
    let events = running.ingress.wait_for(3).await;
    let target = events[0].external_id.clone();
    assert_eq!(events[1].kind, InboundKind::Reaction { target });
    assert_eq!(events[1].sender.id.as_str(), BOB.to_string());
    assert_eq!(events[2].content, MessageContent::text("yes"));
    assert_eq!(events[2].external_id.as_str(), format!("callback:{query}"));
    let answered = |bot: &FakeBot| bot.is_answered(&query).then_some(());
    service.bot.wait_for(answered, PATIENCE).await.expect("the press is answered");
    running.stop().await;
    assert_eq!(service.bot.violations(), Vec::<String>::new());
}

#[tokio::test]
async fn a_group_that_moves_is_told() {
    let service = Service::start().await;
    let running = service.connect().await;
    let to = service.bot.migrate(TEAM);
    let expected = (TEAM.to_string(), to.to_string());
    let told = running.ingress.wait_for_migrations(2).await;
    assert_eq!(told, [expected.clone(), expected]);
    assert!(running.ingress.handed_in().is_empty());
    running.stop().await;
}

#[tokio::test]
async fn what_cannot_be_read_does_not_hold_up_the_rest() {
    let service = Service::start().await;
    service.bot.push_update(json!({ "message": { "message_id": "?" } }));
    service.bot.push_update(json!({ "never_heard_of": 1 }));
    service.bot.push_update(json!({}));
    service.bot.say(ANN, ANN, "still here");
    let running = service.connect().await;
    assert_eq!(running.ingress.only().await.content, MessageContent::text("still here"));
    confirmed(&service.bot, 4).await;
    running.stop().await;
}

#[tokio::test]
async fn busy_holds_back_the_confirmation_and_the_order() {
    let service = Service::start().await;
    service.bot.say(ANN, ANN, "one");
    service.bot.say(BOB, BOB, "two");
    let running = service.connect().await;
    running.ingress.wait_for(2).await;
    confirmed(&service.bot, 2).await;

    running.ingress.answer([Accept::Busy, Accept::Busy, Accept::Busy]);
    service.bot.say(ANN, ANN, "three");
    let events = running.ingress.wait_for(4).await;
    assert_eq!(service.bot.pending_updates(), 1, "busy is not confirmed");
    assert_eq!(events[3].content.plain_text(), "three");
    service.bot.say(ANN, ANN, "four");
    let events = running.ingress.wait_for(7).await;
    let texts: Vec<_> = events.iter().map(|event| event.content.plain_text()).collect();
    assert_eq!(texts, ["one", "two", "three", "three", "three", "three", "four"]);
    confirmed(&service.bot, 4).await;
    running.stop().await;
}

#[tokio::test]
async fn the_parts_of_an_album_are_one_message_in_order() {
    let service = Service::start().await;
    let running = service.connect().await;
    for name in ["first", "second", "third"] {
        let bytes = [PNG, name.as_bytes()].concat();
        let post = Post::photo(bytes).album("77");
        let post = if name == "second" { post.caption("the sea") } else { post };
        service.bot.post(ANN, ANN, post);
        // The first part has been fetched before the second is there.
        let fetched = |bot: &FakeBot| (bot.answered_polls() > 0).then_some(());
        service.bot.wait_for(fetched, PATIENCE).await.expect("fetched in time");
    }
    let event = running.ingress.only().await;
    let MessageContent::Media { media, caption } = &event.content else {
        panic!("an album, not {:?}", event.content);
    };
    assert_eq!(caption.as_deref(), Some("the sea"));
    let mut tails = Vec::new();
    for file in media {
        let bytes = service.media.read(&file.media_id, 1_000).await.expect("it is stored");
        tails.push(String::from_utf8(bytes[PNG.len()..].to_vec()).expect("text"));
    }
    assert_eq!(tails, ["first", "second", "third"]);
    confirmed(&service.bot, 3).await;
    assert_eq!(running.ingress.handed_in().len(), 1);
    running.stop().await;
}

#[tokio::test]
async fn channel_posts_and_their_edits_are_of_the_channel() {
    let service = Service::start().await;
    let channel = -1_000_000_000_088;
    service.bot.add_channel(channel, "News");
    let running = service.connect().await;
    let post = service.bot.say(channel, ANN, "news");
    service.bot.edit(channel, post, "more news");
    let events = running.ingress.wait_for(2).await;
    for event in &events {
        assert_eq!(event.conversation.kind, ChatKind::Channel);
        assert_eq!(event.sender.id.as_str(), channel.to_string());
    }
    assert_eq!(events[1].kind, InboundKind::Edit { target: events[0].external_id.clone() });
    running.stop().await;
}

#[tokio::test]
async fn an_edit_has_the_same_id_when_it_comes_again() {
    let service = Service::start().await;
    let message = service.bot.say(ANN, ANN, "teh");
    service.bot.edit(ANN, message, "the");
    let running = service.start_channel();
    // The edit is not taken, so nothing of the batch is confirmed when the run ends.
    running.ingress.answer([Accept::Noted]);
    running.ingress.answer(std::iter::repeat_n(Accept::Busy, 100));
    let first = running.ingress.wait_for(2).await;
    running.stop().await;
    let running = service.connect().await;
    let second = running.ingress.wait_for(2).await;
    assert_eq!(first[..2], second[..2]);
    let id = first[1].external_id.as_str();
    assert!(id.starts_with(&format!("{message}:edit:")), "{id}");
    running.stop().await;
}
