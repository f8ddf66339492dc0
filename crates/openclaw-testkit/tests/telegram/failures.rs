use std::time::Duration;

use openclaw_testkit::telegram::Failure;
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::http::{ANN, Wire};

fn hello() -> Value {
    json!({ "chat_id": ANN, "text": "hello" })
}

#[tokio::test]
async fn answers_fail_as_they_are_told_to_and_no_longer() {
    let wire = Wire::start().await;
    for (failure, status) in [
        (Failure::Unauthorized, 401),
        (Failure::Conflict, 409),
        (Failure::RateLimited { retry_after: 3 }, 429),
        (Failure::BadRequest { description: "no".to_owned() }, 400),
        (Failure::Forbidden { description: "no".to_owned() }, 403),
        (Failure::ServerError, 500),
        (Failure::BadGateway, 502),
    ] {
        wire.bot.fail_next("sendMessage", 2, failure.clone());
        for _ in 0..2 {
            let response = wire.post("sendMessage", hello()).await.expect("an answer");
            assert_eq!(response.status(), status, "{failure:?}");
        }
    }
    assert!(wire.bot.sent(ANN).is_empty(), "nothing was done");
    wire.ok("sendMessage", hello()).await;
}

#[tokio::test]
async fn a_rate_limit_says_how_long_to_wait() {
    let wire = Wire::start().await;
    wire.bot.fail_next("*", 1, Failure::RateLimited { retry_after: 3 });
    let body = wire.call("getMe", json!({})).await;
    assert_eq!(body["parameters"]["retry_after"], 3);
}

#[tokio::test]
async fn the_message_is_there_although_the_answer_is_not() {
    let wire = Wire::start().await;
    wire.bot.fail_next("sendMessage", 1, Failure::DoneThenDrop);
    wire.post("sendMessage", hello()).await.expect_err("the connection is closed");
    wire.bot.fail_next("sendMessage", 1, Failure::Undecodable);
    let response = wire.post("sendMessage", hello()).await.expect("an answer");
    assert_eq!(response.status(), 200);
    response.json::<Value>().await.expect_err("no JSON");
    wire.bot.fail_next("sendMessage", 1, Failure::Truncated);
    let text = wire.post("sendMessage", hello()).await.expect("an answer").text().await;
    assert!(text.expect("a body").starts_with("{\"ok\":true,\"result\":{\"message_id\":3,"));
    wire.bot.fail_next("sendMessage", 1, Failure::DoneThenHang);
    let hung =
        tokio::time::timeout(Duration::from_secs(1), wire.post("sendMessage", hello())).await;
    assert!(hung.is_err(), "no answer comes");
    assert_eq!(wire.bot.sent(ANN).len(), 4);
}

#[tokio::test]
async fn nothing_is_done_when_the_call_is_dropped_or_hangs() {
    let wire = Wire::start().await;
    wire.bot.fail_next("sendMessage", 1, Failure::Drop);
    wire.post("sendMessage", hello()).await.expect_err("the connection is closed");
    wire.bot.fail_next("sendMessage", 1, Failure::Hang);
    let hung =
        tokio::time::timeout(Duration::from_secs(1), wire.post("sendMessage", hello())).await;
    assert!(hung.is_err(), "no answer comes");
    assert!(wire.bot.sent(ANN).is_empty());
    wire.bot.fail_next("sendMessage", 1, Failure::slow(Duration::from_millis(300)));
    let begin = Instant::now();
    wire.ok("sendMessage", hello()).await;
    assert!(begin.elapsed() >= Duration::from_millis(300));
}
