use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::Instant;

use crate::http::{ANN, Wire};

fn texts(updates: &Value) -> Vec<&str> {
    let updates = updates.as_array().expect("a list");
    updates.iter().filter_map(|update| update["message"]["text"].as_str()).collect()
}

#[tokio::test]
async fn only_the_offset_confirms() {
    let wire = Wire::start().await;
    for text in ["one", "two", "three"] {
        wire.bot.say(ANN, ANN, text);
    }
    let first = wire.ok("getUpdates", json!({ "limit": 2 })).await;
    assert_eq!(texts(&first), ["one", "two"]);
    assert_eq!(texts(&wire.ok("getUpdates", json!({})).await), ["one", "two", "three"]);
    assert_eq!(wire.bot.confirmed_updates(), 0);
    let second = first[1]["update_id"].as_i64().expect("an id");
    let rest = wire.ok("getUpdates", json!({ "offset": second })).await;
    assert_eq!(texts(&rest), ["two", "three"]);
    let rest = wire.ok("getUpdates", json!({ "offset": -1 })).await;
    assert_eq!(texts(&rest), ["three"]);
    wire.ok("getUpdates", json!({ "offset": second + 2 })).await;
    assert_eq!((wire.bot.pending_updates(), wire.bot.confirmed_updates()), (0, 3));
}

#[tokio::test]
async fn a_poll_waits_for_an_update_or_its_time() {
    let wire = Wire::start().await;
    let begin = Instant::now();
    let empty = wire.ok("getUpdates", json!({ "timeout": 1 })).await;
    assert_eq!(empty, json!([]));
    assert!(begin.elapsed() >= Duration::from_secs(1), "it really waited");
    let poll = wire.ok("getUpdates", json!({ "timeout": 30 }));
    let say = async {
        let look = |bot: &openclaw_testkit::telegram::FakeBot| {
            (bot.calls("getUpdates").len() == 2).then_some(())
        };
        wire.bot.wait_for(look, Duration::from_secs(5)).await.expect("it polls");
        wire.bot.say(ANN, ANN, "now");
    };
    let (updates, ()) = tokio::join!(poll, say);
    assert_eq!(texts(&updates), ["now"]);
}

#[tokio::test]
async fn a_second_poller_ends_the_first() {
    let wire = Wire::start().await;
    let first = wire.refusal("getUpdates", json!({ "timeout": 30 }));
    let second = async {
        let look = |bot: &openclaw_testkit::telegram::FakeBot| {
            (bot.calls("getUpdates").len() == 1).then_some(())
        };
        wire.bot.wait_for(look, Duration::from_secs(5)).await.expect("it polls");
        wire.ok("getUpdates", json!({})).await
    };
    let (refusal, updates) = tokio::join!(first, second);
    assert!(refusal.starts_with("Conflict: terminated by other getUpdates"), "{refusal}");
    assert_eq!(updates, json!([]));
}

#[tokio::test]
async fn a_webhook_and_polling_exclude_each_other() {
    let wire = Wire::start().await;
    let refusal = wire.refusal("setWebhook", json!({ "url": "http://a.b" })).await;
    assert!(refusal.contains("HTTPS"), "{refusal}");
    wire.ok("setWebhook", json!({ "url": "https://a.b/c" })).await;
    wire.bot.say(ANN, ANN, "kept");
    let refusal = wire.refusal("getUpdates", json!({})).await;
    assert!(
        refusal.starts_with("Conflict: can't use getUpdates method while webhook"),
        "{refusal}"
    );
    let info = wire.ok("getWebhookInfo", json!({})).await;
    assert_eq!((&info["url"], &info["pending_update_count"]), (&json!("https://a.b/c"), &json!(1)));
    wire.ok("deleteWebhook", json!({})).await;
    assert_eq!(texts(&wire.ok("getUpdates", json!({})).await), ["kept"]);
}

#[tokio::test]
async fn kinds_come_as_they_were_asked_for_last() {
    let wire = Wire::start().await;
    let message = wire.bot.say(ANN, ANN, "hi");
    wire.bot.react(ANN, ANN, message, &[], &["👍"]);
    assert_eq!(wire.bot.pending_updates(), 1, "reactions come only when asked for");
    wire.ok("getUpdates", json!({ "allowed_updates": ["message_reaction"] })).await;
    wire.ok("getUpdates", json!({})).await;
    wire.bot.say(ANN, ANN, "unheard");
    wire.bot.react(ANN, ANN, message, &["👍"], &[]);
    let updates = wire.ok("getUpdates", json!({})).await;
    assert_eq!(texts(&updates), ["hi"]);
    assert_eq!(updates[1]["message_reaction"]["new_reaction"], json!([]));
}
