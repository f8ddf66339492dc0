use openclaw_testkit::telegram::{FakeBot, FakeTelegram, Post};
use teloxide::net::default_reqwest_settings;
use teloxide::prelude::*;
use teloxide::types::{
    AllowedUpdate, ChatAction, InputFile, InputMedia, InputMediaPhoto, InputPollOption, MediaKind,
    MessageKind, ParseMode, ReactionType, ReplyParameters, UpdateKind,
};

use crate::http::{ANN, TOKEN};

const PNG: &[u8] = b"\x89PNG\r\n\x1a\n";

async fn start() -> (FakeTelegram, FakeBot, Bot) {
    let fake = FakeTelegram::start().await;
    let driver = fake.add_bot(TOKEN, "fake_bot");
    driver.add_user(ANN, "Ann", Some("ann"));
    let client = default_reqwest_settings().no_proxy().build().expect("a client can be made");
    let url = fake.base_url().parse().expect("a URL");
    (fake, driver, Bot::with_client(TOKEN, client).set_api_url(url))
}

#[tokio::test]
async fn teloxide_reads_everything_people_do() {
    let (_fake, driver, bot) = start().await;
    let group = -1_000_000_000_040;
    driver.add_forum(group, "Forum", &[ANN]);
    let topic = driver.add_topic(group, "Plans");
    let kinds = ["photo", "document", "audio", "voice", "video", "animation", "sticker"];
    let first = driver.say(ANN, ANN, "hello @fake_bot /run http://a.b");
    for kind in kinds {
        driver.post(ANN, ANN, Post::file(kind, "f.bin", "video/mp4", PNG).caption("look"));
    }
    driver.post(ANN, ANN, Post::location(1.0, 2.0));
    driver.post(ANN, ANN, Post::contact("Bob", "+1"));
    driver.post(ANN, ANN, Post::poll("?", &["a", "b"]));
    driver.post(group, ANN, Post::text("x").thread(topic));
    driver.post(ANN, ANN, Post::text("y").reply_to(first).quote("hello"));
    driver.edit(ANN, first, "changed");
    let allowed = [AllowedUpdate::Message, AllowedUpdate::MessageReaction];
    let updates = bot.get_updates().allowed_updates(allowed).await.expect("updates");
    assert_eq!(updates.len(), 14);
    for update in &updates {
        let (UpdateKind::Message(message) | UpdateKind::EditedMessage(message)) = &update.kind
        else {
            panic!("not read: {update:?}");
        };
        assert!(matches!(message.kind, MessageKind::Common(_)), "not read: {message:?}");
    }
    let UpdateKind::Message(sticker) = &updates[7].kind else { panic!("a message") };
    assert!(matches!(&sticker.kind, MessageKind::Common(common)
        if matches!(common.media_kind, MediaKind::Sticker(_))));
    driver.react(ANN, ANN, first, &[], &["👍"]);
    let next = i32::try_from(updates[13].id.0 + 1).expect("a small id");
    let updates = bot.get_updates().offset(next).await.expect("updates");
    assert!(matches!(updates[0].kind, UpdateKind::MessageReaction(_)), "{updates:?}");
    assert_eq!(driver.violations(), Vec::<String>::new());
}

#[tokio::test]
async fn teloxide_reads_every_answer() {
    let (_fake, driver, bot) = start().await;
    let chat = ChatId(ANN);
    let me = bot.get_me().await.expect("the account");
    assert_eq!(me.username(), "fake_bot");
    let sent =
        bot.send_message(chat, "<b>one</b>").parse_mode(ParseMode::Html).await.expect("sent");
    assert_eq!(sent.text(), Some("one"));
    let edited = bot.edit_message_text(chat, sent.id, "two").await.expect("edited");
    assert_eq!(edited.text(), Some("two"));
    let file = || InputFile::memory(PNG).file_name("a.png");
    let photo = bot
        .send_photo(chat, file())
        .caption("look")
        .reply_parameters(ReplyParameters::new(sent.id))
        .await
        .expect("sent");
    assert_eq!(photo.photo().map(<[_]>::len), Some(2));
    bot.edit_message_caption(chat, photo.id).caption("see").await.expect("edited");
    bot.send_document(chat, file()).await.expect("sent");
    let album = [
        InputMedia::Photo(InputMediaPhoto::new(file()).caption("both")),
        InputMedia::Photo(InputMediaPhoto::new(file())),
    ];
    assert_eq!(bot.send_media_group(chat, album).await.expect("sent").len(), 2);
    let options = ["a", "b"].map(InputPollOption::new);
    bot.send_poll(chat, "?", options).await.expect("sent");
    bot.send_chat_action(chat, ChatAction::Typing).await.expect("shown");
    bot.set_message_reaction(chat, sent.id)
        .reaction([ReactionType::Emoji { emoji: "👍".to_owned() }])
        .await
        .expect("set");
    assert_eq!(driver.reactions(ANN, i64::from(sent.id.0)), ["👍"]);
    bot.delete_message(chat, sent.id).await.expect("deleted");
    assert!(bot.get_chat(chat).await.expect("found").is_private());
    bot.get_chat_member(chat, UserId(5)).await.expect("found");
    bot.get_webhook_info().await.expect("told");
    bot.delete_webhook().await.expect("done");
    let texts: Vec<_> = driver.sent(ANN).into_iter().map(|message| message.text).collect();
    assert_eq!(texts, ["two", "see", "", "both", "", ""]);
    assert_eq!(driver.violations(), Vec::<String>::new());
}
