//! Kills at moments that are known from outside: what the model and Telegram were asked, and what
//! the store has been kept from taking.

use std::time::Duration;

use openclaw_testkit::model::{ModelServer, Reply, Script};
use openclaw_testkit::telegram::Failure;
use serde_json::json;

use crate::support::{LIMIT, Telegram, TestGateway, WriteLock};

const ANN: i64 = 4_711;

/// Ann and an assistant that answers at once, but for the replies that come first.
async fn begin(script: Script, more: &str) -> (ModelServer, Telegram, TestGateway) {
    let (model, telegram) = (ModelServer::with(script).await, Telegram::start().await);
    telegram.bot.add_user(ANN, "Ann", None);
    let config = format!("{more}{}", telegram.config("dm_policy = \"open\""));
    let gateway = TestGateway::with_model(&model, &config).await;
    (model, telegram, gateway)
}

fn texts(telegram: &Telegram) -> Vec<String> {
    telegram.shown(ANN).into_iter().map(|sent| sent.text).collect()
}

/// Says one more thing: when it is answered, everything before it has ended.
async fn say_last(telegram: &Telegram) {
    telegram.bot.say(ANN, ANN, "the last");
    telegram.wait_for_text(ANN, |text| text == "You said: the last").await;
}

/// How often the log says that a message is sent again without knowing.
fn sent_unsure(gateway: &TestGateway) -> usize {
    gateway.log().matches("is not known; sending it again").count()
}

/// Waits until the gateway asked Telegram to send something.
async fn sending(telegram: &Telegram) {
    let look = |bot: &openclaw_testkit::telegram::FakeBot| {
        (!bot.calls("sendMessage").is_empty()).then_some(())
    };
    telegram.bot.wait_for(look, LIMIT).await.expect("something is sent");
}

#[tokio::test]
async fn after_store() {
    let (model, telegram, mut gateway) = begin(Script::new().then(Reply::hang()), "").await;
    let (client, mut events) = gateway.connect().await;
    let topics = json!({"topics": ["message.received"]});
    client.call_raw("subscribe", &topics, LIMIT).await.expect("it subscribes");
    telegram.bot.say(ANN, ANN, "one");
    model.wait_for_requests(1, LIMIT).await;
    telegram.bot.say(ANN, ANN, "two");
    // Its session is busy with the first, so the second is stored and nothing more.
    for wanted in ["one", "two"] {
        let stored = tokio::time::timeout(LIMIT, events.next()).await.expect("it is stored");
        let said = stored.expect("the gateway lives").data.to_string();
        assert!(said.contains(wanted), "{said}");
    }
    assert_eq!(model.requests().len(), 1);
    gateway.kill_hard().await;
    gateway.restart().await;
    say_last(&telegram).await;
    assert_eq!(texts(&telegram), ["You said: one", "You said: two", "You said: the last"]);
    assert_eq!(sent_unsure(&gateway), 0);
}

#[tokio::test]
async fn after_the_model() {
    let held = Reply::text("lost").after(Duration::from_secs(3));
    let (model, telegram, mut gateway) = begin(Script::new().then(held), "").await;
    telegram.bot.say(ANN, ANN, "one");
    model.wait_for_requests(1, LIMIT).await;
    let lock = WriteLock::take(&gateway.state().join("openclaw.db")).await;
    assert_eq!(model.open_streams(), 1, "the model has not answered before the store is locked");
    assert!(model.wait_closed(LIMIT).await, "the model answers");
    gateway.kill_hard().await;
    lock.release().await;
    assert_eq!(texts(&telegram), Vec::<String>::new());
    gateway.restart().await;
    say_last(&telegram).await;
    assert_eq!(texts(&telegram), ["You said: one", "You said: the last"]);
    assert_eq!(sent_unsure(&gateway), 0);
}

#[tokio::test]
async fn in_sending() {
    let (model, telegram, mut gateway) = begin(Script::new(), "").await;
    telegram.bot.fail_next("sendMessage", 1, Failure::Hang);
    telegram.bot.say(ANN, ANN, "one");
    sending(&telegram).await;
    gateway.kill_hard().await;
    assert_eq!(texts(&telegram), Vec::<String>::new(), "it has not arrived");
    gateway.restart().await;
    say_last(&telegram).await;
    assert_eq!(texts(&telegram), ["You said: one", "You said: the last"]);
    assert_eq!(sent_unsure(&gateway), 1, "{}", gateway.log());
    assert_eq!(model.requests().len(), 2, "the answer itself was kept");
}

#[tokio::test]
async fn after_the_send_before_sent() {
    let (model, telegram, mut gateway) = begin(Script::new(), "").await;
    telegram.bot.fail_next("sendMessage", 1, Failure::DoneThenHang);
    telegram.bot.say(ANN, ANN, "one");
    telegram.bot.wait_for_sent(ANN, 1, LIMIT).await;
    gateway.kill_hard().await;
    gateway.restart().await;
    say_last(&telegram).await;
    assert_eq!(
        texts(&telegram),
        ["You said: one", "You said: one", "You said: the last"],
        "nobody can know that it arrived"
    );
    assert_eq!(sent_unsure(&gateway), 1, "but it is told: {}", gateway.log());
    assert_eq!(model.requests().len(), 2);
}

#[tokio::test]
async fn after_the_send_before_sent_where_doubles_are_unwanted() {
    let skip = "[delivery]\non_uncertain = \"skip\"\n";
    let (_model, telegram, mut gateway) = begin(Script::new(), skip).await;
    telegram.bot.fail_next("sendMessage", 1, Failure::DoneThenHang);
    telegram.bot.say(ANN, ANN, "one");
    telegram.bot.wait_for_sent(ANN, 1, LIMIT).await;
    gateway.kill_hard().await;
    gateway.restart().await;
    say_last(&telegram).await;
    assert_eq!(texts(&telegram), ["You said: one", "You said: the last"]);
    assert!(gateway.log().contains("it is not sent again"), "{}", gateway.log());
    let doctor = gateway.openclaw(&["--json", "doctor"]).await;
    let report: serde_json::Value = serde_json::from_slice(&doctor.stdout).expect("it is JSON");
    assert_eq!(report["deliveries"], json!({"unknown": 1, "failed": 0}));
}

#[tokio::test]
async fn after_sent() {
    let (model, telegram, mut gateway) = begin(Script::new(), "").await;
    let (client, mut events) = gateway.connect().await;
    let topics = json!({"topics": ["message.sent"]});
    client.call_raw("subscribe", &topics, LIMIT).await.expect("it subscribes");
    telegram.bot.say(ANN, ANN, "one");
    tokio::time::timeout(LIMIT, events.next()).await.expect("it is sent");
    gateway.kill_hard().await;
    gateway.restart().await;
    say_last(&telegram).await;
    assert_eq!(texts(&telegram), ["You said: one", "You said: the last"]);
    assert_eq!(sent_unsure(&gateway), 0);
    assert_eq!(model.requests().len(), 2);
}
