//! Three messages on Telegram while a turn is slow, in each queue mode.

use std::time::Duration;

use openclaw_testkit::model::{ModelServer, Reply, Script};
use serde_json::json;

use crate::support::{LIMIT, Telegram, TestGateway};

const ANN: i64 = 4_711;
/// The first turn goes on for so long after the others were said.
const SLOW: Duration = Duration::from_millis(2_500);

/// Says three messages, the second and third while the model is busy with the first.
async fn three_messages(mode: &str, first: Reply) -> (ModelServer, Telegram, TestGateway) {
    three_messages_with(&format!("queue_mode = \"{mode}\"\n"), first).await
}

async fn three_messages_with(session: &str, first: Reply) -> (ModelServer, Telegram, TestGateway) {
    let (model, telegram) =
        (ModelServer::with(Script::new().then(first.after(SLOW))).await, Telegram::start().await);
    telegram.bot.add_user(ANN, "Ann", None);
    let more = format!("[session]\n{session}{}", telegram.config("dm_policy = \"open\""));
    let gateway = TestGateway::with_model(&model, &more).await;
    telegram.bot.say(ANN, ANN, "one");
    model.wait_for_requests(1, LIMIT).await;
    telegram.bot.say(ANN, ANN, "two");
    telegram.bot.say(ANN, ANN, "three");
    (model, telegram, gateway)
}

fn texts(telegram: &Telegram) -> Vec<String> {
    telegram.shown(ANN).into_iter().map(|sent| sent.text).collect()
}

#[tokio::test]
async fn queue_answers_each_in_order() {
    let (model, telegram, _gateway) = three_messages("queue", Reply::text("first")).await;
    telegram.wait_for_text(ANN, |text| text == "You said: three").await;
    assert_eq!(texts(&telegram), ["first", "You said: two", "You said: three"]);
    assert_eq!(model.requests().len(), 3);
}

#[tokio::test]
async fn batch_makes_one_turn_of_what_waits() {
    let (model, telegram, gateway) = three_messages("batch", Reply::text("first")).await;
    telegram.bot.wait_for_sent(ANN, 2, LIMIT).await;
    let asked = model.requests();
    assert_eq!(asked.len(), 2, "two and three are one turn");
    let last = asked[1].last_user_text();
    assert!(last.contains("two") && last.contains("three"), "{last}");
    let status = gateway.openclaw(&["--json", "agent", "status"]).await;
    let said = String::from_utf8_lossy(&status.stdout).into_owned();
    assert_eq!(said.matches("\"merged\"").count(), 1, "{said}");
}

#[tokio::test]
async fn immediate_joins_the_running_turn() {
    let call = Reply::call("list", &json!({}));
    let (model, telegram, gateway) = three_messages("immediate", call).await;
    telegram.bot.wait_for_sent(ANN, 1, LIMIT).await;
    let asked = model.requests();
    assert_eq!(asked.len(), 2, "all three are one turn");
    let spoken: String = asked[1].dialogue().into_iter().map(|(_, text)| text).collect();
    assert!(spoken.contains("two") && spoken.contains("three"), "{spoken}");
    let status = gateway.openclaw(&["--json", "agent", "status"]).await;
    let said = String::from_utf8_lossy(&status.stdout).into_owned();
    assert_eq!(said.matches("\"merged\"").count(), 2, "{said}");
}

#[tokio::test]
async fn interrupt_answers_the_newest() {
    let (_model, telegram, gateway) = three_messages("interrupt", Reply::text("first")).await;
    telegram.wait_for_text(ANN, |text| text.contains("three")).await;
    assert!(!texts(&telegram).iter().any(|text| text == "first"), "{:?}", texts(&telegram));
    let status = gateway.openclaw(&["--json", "agent", "status"]).await;
    let said = String::from_utf8_lossy(&status.stdout).into_owned();
    assert!(said.contains("\"stopped\""), "{said}");
}

#[tokio::test]
async fn steer_backlog_shows_the_turn_what_it_answers_afterwards() {
    let call = Reply::call("list", &json!({}));
    let (model, telegram, _gateway) = three_messages("steer-backlog", call).await;
    telegram.bot.wait_for_sent(ANN, 3, LIMIT).await;
    assert_eq!(texts(&telegram), ["You said: three", "You said: two", "You said: three"]);
    let asked = model.requests();
    let spoken: String = asked[1].dialogue().into_iter().map(|(_, text)| text).collect();
    assert!(spoken.contains("two") && spoken.contains("three"), "{spoken}");
    assert_eq!(model.violations(), Vec::<String>::new());
}

#[tokio::test]
async fn a_message_beyond_the_cap_is_refused_and_it_is_said() {
    let settings = "[session.queue]\ncap = 1\ndrop = \"old\"\n";
    let (_model, telegram, _gateway) = three_messages_with(settings, Reply::text("first")).await;
    telegram.wait_for_text(ANN, |text| text == "You said: three").await;
    let texts = texts(&telegram);
    assert_eq!(texts.len(), 3, "{texts:?}");
    assert!(texts[1].starts_with("the oldest 1 message was not read"), "{texts:?}");
}

#[tokio::test]
async fn the_queue_command_sets_mode_and_options() {
    let (model, telegram) = (ModelServer::start().await, Telegram::start().await);
    telegram.bot.add_user(ANN, "Ann", None);
    let config = telegram.config("dm_policy = \"open\"");
    let _gateway = TestGateway::with_model(&model, &config).await;
    telegram.bot.say(ANN, ANN, "/queue collect debounce:1s cap:20 drop:new");
    let told = "Queue: batch, after 1000 ms of quiet, at most 20 waiting (drop: new) from the next message on.";
    telegram.wait_for_text(ANN, |text| text == told).await;
    telegram.bot.say(ANN, ANN, "one");
    telegram.bot.say(ANN, ANN, "two");
    telegram.wait_for_text(ANN, |text| text == "You said: two").await;
    assert_eq!(model.requests().len(), 1, "both are one turn");
}
