//! Chat commands over Telegram: what the gateway answers itself.

use std::time::Duration;

use openclaw_testkit::model::{ModelServer, Reply, Script};

use crate::support::{LIMIT, Telegram, TestGateway};

const ANN: i64 = 4_711;

async fn chat(script: Script, more: &str) -> (ModelServer, Telegram, TestGateway) {
    let (model, telegram) = (ModelServer::with(script).await, Telegram::start().await);
    telegram.bot.add_user(ANN, "Ann", None);
    let config = format!("{more}\n{}", telegram.config("dm_policy = \"open\""));
    let gateway = TestGateway::with_model(&model, &config).await;
    (model, telegram, gateway)
}

async fn ask(telegram: &Telegram, text: &str, answered: impl Fn(&str) -> bool) {
    telegram.bot.say(ANN, ANN, text);
    telegram.wait_for_text(ANN, answered).await;
}

#[tokio::test]
async fn the_gateway_answers_commands_itself() {
    let (model, telegram, _gateway) = chat(Script::new(), "").await;
    ask(&telegram, "/help", |text| text.contains("/status") && text.contains("/new")).await;
    ask(&telegram, "/status", |text| text.contains("Model:") && text.contains("Queue: queue"))
        .await;
    ask(&telegram, "/whoami", |text| text.contains("4711") && text.contains("Ann")).await;
    ask(&telegram, "/queue batch", |text| text.contains("Queue: batch")).await;
    ask(&telegram, "/queue sideways", |text| text.contains("Say queue")).await;
    ask(&telegram, "/model test/other", |text| text.contains("uses test/other")).await;
    assert_eq!(model.requests().len(), 0, "no command is for the model");
    ask(&telegram, "/etc is a folder", |text| text == "You said: /etc is a folder").await;
    assert_eq!(model.last_request().model(), "other");
    let spoken: Vec<_> = model.last_request().dialogue();
    assert_eq!(spoken.len(), 1, "commands are not part of the conversation: {spoken:?}");
}

#[tokio::test]
async fn new_begins_afresh_and_carries_its_first_message() {
    let (model, telegram, _gateway) = chat(Script::new(), "").await;
    ask(&telegram, "remember the blue door", |text| text.starts_with("You said: remember")).await;
    ask(&telegram, "/new", |text| text.contains("fresh session")).await;
    ask(&telegram, "what now", |text| text == "You said: what now").await;
    assert_eq!(model.last_request().dialogue().len(), 1, "{:?}", model.last_request().dialogue());
    ask(&telegram, "/new good morning", |text| text == "You said: good morning").await;
    let spoken = model.last_request().dialogue();
    assert_eq!(spoken.len(), 1, "{spoken:?}");
    assert!(!spoken[0].1.contains("/new"), "{spoken:?}");
}

#[tokio::test]
async fn stop_ends_the_running_turn_and_what_waits() {
    let slow = Reply::text("too late").after(Duration::from_secs(60));
    let (model, telegram, _gateway) = chat(Script::new().then(slow), "").await;
    telegram.bot.say(ANN, ANN, "begin");
    model.wait_for_requests(1, LIMIT).await;
    telegram.bot.say(ANN, ANN, "and then this");
    ask(&telegram, "/stop", |text| text == "Stopped.").await;
    ask(&telegram, "again", |text| text == "You said: again").await;
    assert_eq!(model.requests().len(), 2, "what waited did not run");
}
