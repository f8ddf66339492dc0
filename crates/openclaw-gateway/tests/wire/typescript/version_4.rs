//! What the command line of `openclaw@2026.9.6` said, as it was recorded between it and this
//! gateway, said again.

use serde::Deserialize;
use serde_json::{Value, json};

use super::support::TsClient;
use crate::support::{TOKEN, TestGateway};

/// One connection; each command makes one or two.
#[derive(Deserialize)]
struct Conversation {
    connect: Value,
    calls: Vec<Call>,
}

#[derive(Deserialize)]
struct Call {
    method: String,
    params: Option<Value>,
    /// The fields of the answer; none for a list.
    fields: Vec<String>,
}

#[tokio::test]
async fn what_the_command_line_says_is_answered_as_it_was() {
    let gateway = TestGateway::start().await;
    let recorded: Vec<Conversation> =
        serde_json::from_str(include_str!("version_4.json")).expect("conversations");
    assert!(recorded.len() > 15);
    for conversation in recorded {
        let mut client = TsClient::open(&gateway, &[]).await;
        let mut connect = conversation.connect;
        connect["auth"]["token"] = json!(TOKEN);
        let hello = client.call("connect", connect).await.expect("connects");
        assert_eq!(hello["protocol"], 4);
        for (number, call) in conversation.calls.into_iter().enumerate() {
            let id = format!("recorded-{number}");
            let mut frame = json!({"type": "req", "id": id, "method": call.method});
            if let Some(params) = call.params {
                frame["params"] = params;
            }
            client.say(&frame).await;
            let mut answered = client.answer_to(&id).await;
            if call.method == "agent" {
                // The first one says that the run was accepted.
                answered = client.answer_to(&id).await;
            }
            let answer = answered.unwrap_or_else(|error| panic!("{frame}: {error}"));
            let missing: Vec<_> =
                call.fields.iter().filter(|name| answer.get(name).is_none()).collect();
            assert!(missing.is_empty(), "{missing:?} of {frame}: {answer}");
            assert_eq!(answer.is_array(), call.fields.is_empty(), "{frame}");
        }
    }
}
