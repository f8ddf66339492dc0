//! People on Telegram: who is answered, and how somebody becomes one of them.

use openclaw_protocol::methods::PairingListResult;
use openclaw_testkit::model::ModelServer;

use crate::support::{Telegram, TestGateway};

const ANN: i64 = 4_711;

#[tokio::test]
async fn an_allowed_person_is_answered() {
    let (model, telegram) = (ModelServer::start().await, Telegram::start().await);
    telegram.bot.add_user(ANN, "Ann", Some("ann"));
    let channel = telegram.config("dm_policy = \"open\"");
    let _gateway = TestGateway::with_model(&model, &channel).await;

    telegram.bot.say(ANN, ANN, "hello there");
    telegram.wait_for_text(ANN, |text| text == "You said: hello there").await;
    assert_eq!(telegram.shown(ANN).len(), 1, "nothing else was sent");
    assert_eq!(telegram.bot.violations(), Vec::<String>::new());
    assert_eq!(model.violations(), Vec::<String>::new());
}

#[tokio::test]
async fn a_stranger_is_answered_once_approved() {
    let (model, telegram) = (ModelServer::start().await, Telegram::start().await);
    telegram.bot.add_user(ANN, "Ann", Some("ann"));
    let gateway = TestGateway::with_model(&model, &telegram.config("")).await;

    telegram.bot.say(ANN, ANN, "let me in");
    let listed = || async {
        let output = gateway.openclaw(&["--json", "pairing", "list"]).await;
        assert!(output.status.success(), "{output:?}");
        serde_json::from_slice::<PairingListResult>(&output.stdout).expect("it is JSON").pairings
    };
    let sent = telegram.bot.wait_for_sent(ANN, 1, crate::support::LIMIT).await;
    let asking = listed().await;
    assert_eq!(asking.len(), 1, "{asking:?}");
    let code = asking[0].code.clone().expect("it has a code");
    assert!(sent[0].text.contains(&code), "the person is told the code: {}", sent[0].text);
    assert_eq!(asking[0].approved_at, None);
    assert!(model.requests().is_empty(), "no stranger's text reaches the model");

    let wrong = gateway.openclaw(&["pairing", "approve", "AAAAAAAA"]).await;
    assert_eq!(wrong.status.code(), Some(6), "{wrong:?}");
    let approved = gateway.openclaw(&["pairing", "approve", &code]).await;
    assert!(approved.status.success(), "{approved:?}");
    assert!(listed().await[0].approved_at.is_some());

    telegram.bot.say(ANN, ANN, "thank you");
    telegram.wait_for_text(ANN, |text| text == "You said: thank you").await;
    assert_eq!(telegram.bot.violations(), Vec::<String>::new());
}

#[tokio::test]
async fn without_a_model_a_person_is_told_once() {
    let telegram = Telegram::start().await;
    telegram.bot.add_user(ANN, "Ann", Some("ann"));
    let _gateway = TestGateway::with_config(&telegram.config("dm_policy = \"open\"")).await;

    telegram.bot.say(ANN, ANN, "hello");
    telegram.wait_for_text(ANN, |text| text.contains("model")).await;
    telegram.bot.say(ANN, ANN, "hello?");
    telegram.bot.wait_for_sent(ANN, 2, crate::support::LIMIT).await;
    let sent: Vec<String> = telegram.shown(ANN).into_iter().map(|sent| sent.text).collect();
    assert_eq!(sent.len(), 2, "one reply for each message: {sent:?}");
    assert_eq!(sent[0], sent[1]);
}
