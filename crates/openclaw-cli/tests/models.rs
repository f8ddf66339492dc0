//! `openclaw models`, against a gateway and without one.

use std::process::Output;

use openclaw_testkit::model::{ModelServer, Reply, Script};
use serde_json::Value;

use crate::support::{TestGateway, run_alone};

/// What a command printed, with what differs between runs replaced.
fn printed(output: &Output) -> String {
    let text = String::from_utf8_lossy(&output.stdout);
    let text = text.lines().map(|line| {
        let words = line.split_whitespace().map(|word| match word.parse::<u64>() {
            Ok(_) if line.contains(" ms") => "N",
            _ if word.contains("127.0.0.1") => "(openai-chat, URL),",
            _ if word.len() > 18 && word.contains('T') && word.ends_with('Z') => "WHEN",
            _ => word,
        });
        words.collect::<Vec<_>>().join(" ")
    });
    text.collect::<Vec<_>>().join("\n")
}

fn ok(output: &Output) -> String {
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}{}", printed(output));
    printed(output)
}

/// A gateway whose first key is refused.
async fn gateway() -> (ModelServer, TestGateway) {
    let script = Script::new().on(|request| {
        let refused = request.header("authorization") == Some("Bearer sk-test");
        refused.then(|| Reply::error(401, "authentication_error", "no such key: sk-test"))
    });
    let model = ModelServer::with(script).await;
    let more = "api_keys = [\"sk-second\"]\n\
        [models.providers.test.models.test-model]\ncontext_window = 64000\n\
        cost = { input = 1.0, output = 2.0 }\n\
        [models.aliases]\nfast = \"test/small\"\n";
    let gateway = TestGateway::with_model(&model, more).await;
    (model, gateway)
}

#[tokio::test]
async fn models_are_listed_probed_and_watched() {
    let (_model, gateway) = gateway().await;
    insta::assert_snapshot!(ok(&gateway.openclaw(&["models", "list"]).await), @r"
    MODEL ALIASES WINDOW CAN PRICE PER MILLION, IN / OUT
    test/small fast 32k text, images, thinks unknown
    test/test-model 64k text, images, thinks $1.00 / $2.00
    ");
    let probed = gateway.openclaw(&["models", "probe"]).await;
    assert_eq!(probed.status.code(), Some(1));
    insta::assert_snapshot!(printed(&probed), @r"
    MODEL KEY ANSWER
    test/test-model test#1 auth answered 401: no such key: ***
    test/test-model test#2 N ms
    ");
    let json = gateway.openclaw(&["models", "status", "--json"]).await;
    let status: Value = serde_json::from_slice(&json.stdout).expect("JSON");
    assert_eq!(status["providers"][0]["keys"], serde_json::json!(["test#1", "test#2"]));
    assert_eq!(status["cooldowns"][0]["class"], "auth");
    insta::assert_snapshot!(ok(&gateway.openclaw(&["models", "status"]).await), @r"
    agent main
    model test/test-model
    alias fast = test/small
    provider test (openai-chat, (openai-chat, URL), key test#1, test#2
    today 0 tokens, $0.00
    cools test/test-model with test#1: auth, 1 in a row, until WHEN
    ");
    assert!(!gateway.log().contains("sk-test"), "{}", gateway.log());
}

#[tokio::test]
async fn the_model_aliases_and_fallbacks_are_changed_at_a_running_gateway() {
    let (model, gateway) = gateway().await;
    let run = async |arguments: &[&str]| ok(&gateway.openclaw(arguments).await);
    insta::assert_snapshot!(run(&["models", "set", "fast"]).await, @"the model is fast now");
    assert!(run(&["agent", "run", "-m", "hello"]).await.contains("You said: hello"));
    assert_eq!(model.last_request().model(), "small");
    run(&["models", "aliases", "add", "deep.one", "test/large"]).await;
    run(&["models", "fallbacks", "add", "deep.one"]).await;
    insta::assert_snapshot!(run(&["models", "aliases", "list"]).await, @r"
    ALIAS MODEL
    deep.one test/large
    fast test/small
    ");
    insta::assert_snapshot!(run(&["models", "fallbacks", "list"]).await, @"deep.one");
    run(&["models", "fallbacks", "clear"]).await;
    run(&["models", "aliases", "remove", "deep.one"]).await;
    let unknown = gateway.openclaw(&["models", "set", "nowhere/x"]).await;
    assert_eq!(unknown.status.code(), Some(2), "{}", String::from_utf8_lossy(&unknown.stderr));
    assert_eq!(
        gateway.openclaw(&["models", "aliases", "remove", "no"]).await.status.code(),
        Some(6)
    );
}

#[tokio::test]
async fn what_a_run_cost_is_told() {
    let (_model, gateway) = gateway().await;
    let run = async |arguments: &[&str]| ok(&gateway.openclaw(arguments).await);
    run(&["agent", "run", "-m", "hello"]).await;
    let told = run(&["rpc", "usage.cost", "{\"days\": 1}"]).await;
    let told: Value = serde_json::from_str(&told).expect("JSON");
    let usage = &told["days"][0]["usage"];
    let (input, output) =
        (usage["input_tokens"].as_u64().unwrap_or(0), usage["output_tokens"].as_u64().unwrap_or(0));
    assert!(input > 0 && output > 0, "{told}");
    assert_eq!(usage["cost_micro_usd"], input + 2 * output);
    assert_eq!(told["total"], *usage);
}

#[tokio::test]
async fn without_a_gateway_the_file_is_looked_at() {
    let config = "[agents]\nmodel = \"mock/x\"\n[models.providers.mock]\napi = \"ollama\"\nbase_url = \"http://127.0.0.1:9\"\n";
    let files = [("openclaw.toml", config)];
    let alone = async |arguments: &[&str]| run_alone(arguments, &files).await;
    let listed = ok(&alone(&["models", "list"]).await);
    assert!(listed.contains("mock/x"), "{listed}");
    let status = ok(&alone(&["models", "status"]).await);
    assert!(status.contains("model mock/x") && status.contains("no key"), "{status}");
    let set = ok(&alone(&["models", "set", "mock/y"]).await);
    assert_eq!(set, "the model is mock/y now");
    let probed = alone(&["models", "probe", "--timeout-ms", "2000"]).await;
    assert_eq!(probed.status.code(), Some(1));
    assert!(printed(&probed).contains("transport"), "{}", printed(&probed));
}
