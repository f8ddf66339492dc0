use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};

use crate::http::client;

/// The program, ended when this is dropped.
struct Program(Child);

impl Drop for Program {
    fn drop(&mut self) {
        self.0.kill().expect("it can be ended");
        self.0.wait().expect("it ends");
    }
}

#[tokio::test]
async fn the_program_is_driven_from_outside() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_fake-telegram"))
        .args(["--token", "1:a", "--username", "outside_bot"])
        .stdout(Stdio::piped())
        .spawn()
        .expect("it starts");
    let output = child.stdout.take().expect("piped");
    let _program = Program(child);
    let mut line = String::new();
    BufReader::new(output).read_line(&mut line).expect("it says where it is");
    let line: Value = serde_json::from_str(&line).expect("JSON");
    let control = line["control_url"].as_str().expect("a URL").to_owned();
    let api = format!("{}/bot1:a", line["base_url"].as_str().expect("a URL"));
    let client = client();
    let tell = async |command: Value| -> Value {
        let sent = client.post(&control).json(&command).send().await.expect("an answer");
        sent.json().await.expect("JSON")
    };
    let call = async |method: &str, params: Value| -> Value {
        let url = format!("{api}/{method}");
        let sent = client.post(url).json(&params).send().await.expect("an answer");
        sent.json().await.expect("JSON")
    };

    tell(json!({ "do": "say", "chat": 1, "user": 1, "text": "hi" })).await;
    let updates = call("getUpdates", json!({})).await;
    assert_eq!(updates["result"][0]["message"]["text"], "hi");
    assert_eq!(tell(json!({ "do": "updates" })).await, json!({ "pending": 1, "confirmed": 0 }));

    let failure = json!({ "type": "rate_limited", "retry_after": 2 });
    let fail =
        json!({ "do": "fail_next", "method": "sendMessage", "times": 1, "failure": failure });
    assert_eq!(tell(fail).await, json!({}));
    let hello = json!({ "chat_id": 1, "text": "hello" });
    assert_eq!(call("sendMessage", hello.clone()).await["error_code"], 429);
    call("sendMessage", hello).await;
    let sent = tell(json!({ "do": "sent", "chat": 1, "at_least": 1, "wait_ms": 5_000 })).await;
    assert_eq!((&sent["complete"], &sent["sent"][0]["text"]), (&json!(true), &json!("hello")));
    assert_eq!(tell(json!({ "do": "violations" })).await, json!({ "violations": [] }));
    assert!(tell(json!({ "do": "dance" })).await["error"].is_string());
}
