//! A Telegram service that fails: what is told, that the gateway goes on, and that nothing is lost.

use std::time::Duration;

use openclaw_testkit::model::ModelServer;
use openclaw_testkit::telegram::{Failure, FakeBot};

use crate::support::{LIMIT, Telegram, TestGateway};

/// Longer than a poll without an answer is waited for.
const POLL_LIMIT: Duration = Duration::from_secs(90);

async fn begin() -> (ModelServer, Telegram, TestGateway) {
    let (model, telegram) = (ModelServer::start().await, Telegram::start().await);
    let gateway = TestGateway::with_model(&model, &telegram.config("dm_policy = \"open\"")).await;
    // The first poll does not wait; from the second on the service holds one.
    let polls = |bot: &FakeBot| (bot.calls("getUpdates").len() >= 2).then_some(());
    telegram.bot.wait_for(polls, LIMIT).await.expect("the gateway polls");
    (model, telegram, gateway)
}

fn refused(description: &str) -> Failure {
    Failure::Forbidden { description: description.to_owned() }
}

/// What a send meets, what the log says of the chat, and how often the message stands there at last.
fn sends() -> Vec<(Failure, &'static str, usize)> {
    vec![
        (Failure::Unauthorized, "channel telegram refuses the credential: Invalid bot token", 1),
        (Failure::RateLimited { retry_after: 1 }, "a message to {chat} has to wait", 1),
        (Failure::ServerError, "a message to {chat} has to wait", 1),
        (Failure::BadGateway, "what became of a message to {chat} is not known", 1),
        (Failure::Undecodable, "what became of a message to {chat} is not known", 2),
        (Failure::Drop, "what became of a message to {chat} is not known", 1),
        (Failure::DoneThenDrop, "what became of a message to {chat} is not known", 2),
        (Failure::Hang, "what became of a message to {chat} is not known", 1),
        (refused("bot was blocked by the user"), "a message to {chat} could not be delivered", 0),
    ]
}

#[tokio::test]
async fn sends_that_fail() {
    let (_model, telegram, gateway) = begin().await;
    let mut sent = Vec::new();
    for (chat, (failure, told, times)) in (1_001..).zip(sends()) {
        telegram.bot.add_user(chat, "Ann", None);
        telegram.bot.fail_next("sendMessage", 1, failure.clone());
        telegram.bot.say(chat, chat, "hello");
        gateway.wait_for_log(&told.replace("{chat}", &chat.to_string()), 1).await;
        if times > 0 {
            let shown = telegram.bot.wait_for_sent(chat, times, LIMIT).await;
            assert_eq!(shown.len(), times, "{failure:?}\n{}", gateway.log());
        }
        sent.push((chat, failure, times));
    }
    telegram.bot.add_user(2_000, "Ben", None);
    telegram.bot.say(2_000, 2_000, "are you there?");
    telegram.bot.wait_for_sent(2_000, 1, LIMIT).await;
    for (chat, failure, times) in sent {
        let texts: Vec<String> = telegram.shown(chat).into_iter().map(|sent| sent.text).collect();
        assert_eq!(texts, vec!["You said: hello"; times], "{failure:?}");
    }
    let doctor = gateway.openclaw(&["--json", "doctor"]).await;
    let report: serde_json::Value = serde_json::from_slice(&doctor.stdout).expect("it is JSON");
    assert_eq!(report["deliveries"]["failed"], 1, "the one to whom nobody may write: {report}");
}

#[tokio::test]
async fn an_answer_that_is_cut_after_the_message_id_is_enough() {
    let (_model, telegram, gateway) = begin().await;
    telegram.bot.add_user(1_001, "Ann", None);
    telegram.bot.fail_next("sendMessage", 1, Failure::Truncated);
    telegram.bot.say(1_001, 1_001, "hello");
    telegram.wait_for_text(1_001, |text| text == "You said: hello").await;
    telegram.bot.say(1_001, 1_001, "again");
    telegram.wait_for_text(1_001, |text| text == "You said: again").await;
    assert_eq!(telegram.shown(1_001).len(), 2);
    assert!(!gateway.log().contains("is not known"), "{}", gateway.log());
}

/// A poll under way answers with this; the next one fails.
fn wake(telegram: &Telegram, chat: i64, failure: Failure) {
    telegram.bot.fail_next("getUpdates", 1, failure);
    telegram.bot.say(chat, chat, "one");
}

/// Polls meet these, one after the other, and the log says so.
async fn polls_meet<const N: usize>(failures: [(Failure, &str); N]) {
    let (_model, telegram, gateway) = begin().await;
    for (chat, (failure, told)) in (1_001..).zip(failures) {
        telegram.bot.add_user(chat, "Ann", None);
        let before = gateway.log().matches(told).count();
        wake(&telegram, chat, failure.clone());
        telegram.wait_for_text(chat, |text| text == "You said: one").await;
        telegram.bot.say(chat, chat, "two");
        gateway.wait_for_log(told, before + 1).await;
        telegram.wait_for_text(chat, |text| text == "You said: two").await;
        let texts: Vec<String> = telegram.shown(chat).into_iter().map(|sent| sent.text).collect();
        assert_eq!(texts, ["You said: one", "You said: two"], "{failure:?}");
    }
    assert_eq!(telegram.bot.violations(), Vec::<String>::new());
}

#[tokio::test]
async fn polls_that_are_refused() {
    polls_meet([
        (Failure::Conflict, "the account is in use elsewhere: Conflict: terminated by other"),
        (Failure::RateLimited { retry_after: 1 }, "the service asks to wait"),
        (Failure::ServerError, "Internal Server Error"),
    ])
    .await;
}

#[tokio::test]
async fn polls_that_are_not_answered_well() {
    polls_meet([
        (Failure::BadGateway, "the answer cannot be read"),
        (Failure::Undecodable, "the answer cannot be read"),
        (Failure::Drop, "channel telegram failed, connecting again"),
    ])
    .await;
}

#[tokio::test]
async fn a_poll_without_an_answer_is_given_up() {
    let (_model, telegram, gateway) = begin().await;
    telegram.bot.add_user(1_001, "Ann", None);
    wake(&telegram, 1_001, Failure::Hang);
    telegram.wait_for_text(1_001, |text| text == "You said: one").await;
    telegram.bot.say(1_001, 1_001, "two");
    let sent = telegram.bot.wait_for_sent(1_001, 2, POLL_LIMIT).await;
    assert_eq!(sent.len(), 2, "{}", gateway.log());
    assert!(gateway.log().contains("channel telegram failed, connecting again"));
}

#[tokio::test]
async fn a_refused_token_waits_for_its_owner() {
    let (_model, telegram, gateway) = begin().await;
    telegram.bot.add_user(1_001, "Ann", None);
    wake(&telegram, 1_001, Failure::Unauthorized);
    gateway.wait_for_log("channel telegram failed until its configuration changes", 1).await;
    let listed = gateway.openclaw(&["channels", "status", "telegram"]).await;
    let said = String::from_utf8_lossy(&listed.stdout).into_owned();
    assert!(said.contains("refused the credential"), "{listed:?}");
    // What waits is neither lost nor tried in vain.
    telegram.bot.say(1_001, 1_001, "two");
    let connected = gateway.openclaw(&["channels", "connect", "telegram"]).await;
    assert!(connected.status.success(), "{connected:?}");
    telegram.wait_for_text(1_001, |text| text == "You said: two").await;
    let texts: Vec<String> = telegram.shown(1_001).into_iter().map(|sent| sent.text).collect();
    assert_eq!(texts, ["You said: one", "You said: two"]);
}
