//! A saved change acts on the next message; a bad one changes nothing and is told until it is mended.

use std::fs;

use openclaw_client::Client;
use openclaw_core::RunStatus;
use openclaw_protocol::methods::{
    AgentRun, AgentRunParams, GatewayStatus, GatewayStatusGet, GatewayStatusParams, NoParams, Ping,
    SessionList, SessionListParams,
};
use openclaw_testkit::model::ModelServer;

use crate::support::{Telegram, TestGateway};

const ANN: i64 = 4_711;
const BEN: i64 = 4_712;

async fn status(client: &Client) -> GatewayStatus {
    client.call::<GatewayStatusGet>(&GatewayStatusParams { deep: false }).await.expect("it answers")
}

async fn say(client: &Client, text: &str) -> String {
    let params =
        AgentRunParams { message: text.to_owned(), wait: true, ..AgentRunParams::default() };
    let run = client.call::<AgentRun>(&params).await.expect("it runs");
    assert_eq!(run.status, RunStatus::Done, "{run:?}");
    run.reply.unwrap_or_default()
}

#[tokio::test]
async fn changes_act_on_the_next_message() {
    let (model, telegram) = (ModelServer::start().await, Telegram::start().await);
    telegram.bot.add_user(ANN, "Ann", None);
    telegram.bot.add_user(BEN, "Ben", None);
    let channel = |allowed: &str| {
        telegram.config(&format!("dm_policy = \"allowlist\"\nallow_from = [{allowed}]"))
    };
    let head = |name: &str| {
        format!(
            "[agents]\nmodel = \"test/{name}\"\n[models.providers.test]\napi = \"openai-chat\"\nbase_url = \"{}\"\napi_key = \"sk-test\"\n",
            model.base_url()
        )
    };
    let gateway =
        TestGateway::with_config(&format!("{}{}", head("first"), channel("\"4711\""))).await;
    let file = gateway.state().join("openclaw.toml");
    let (client, _events) = gateway.connect().await;
    telegram.bot.say(ANN, ANN, "hello");
    telegram.wait_for_text(ANN, |text| text == "You said: hello").await;
    assert_eq!(model.last_request().model(), "first");

    let rule = "[[agents.list]]\nid = \"work\"\n[[routing.rules]]\nchannel = \"telegram\"\nchat = \"4712\"\nagent = \"work\"\n[session]\nqueue_mode = \"batch\"\n";
    fs::write(&file, format!("{}{rule}{}", head("second"), channel("\"4711\", \"4712\"")))
        .expect("writes");
    gateway.wait_for_log("the configuration changed and is in force", 1).await;
    client.call::<Ping>(&NoParams {}).await.expect("the connection stands");
    telegram.bot.say(BEN, BEN, "me too");
    telegram.wait_for_text(BEN, |text| text == "You said: me too").await;
    assert_eq!(model.last_request().model(), "second");
    let sessions =
        client.call::<SessionList>(&SessionListParams::default()).await.expect("lists").sessions;
    assert!(sessions.iter().any(|session| session.agent_id.as_str() == "work"), "{sessions:#?}");
    let starts = telegram.bot.calls("getMe");
    assert_eq!(starts.len(), 1, "who may write is no reason to connect anew");
}

#[tokio::test]
async fn a_bad_edit_changes_nothing_and_is_told_until_mended() {
    let model = ModelServer::start().await;
    let gateway = TestGateway::with_model(&model, "").await;
    let file = gateway.state().join("openclaw.toml");
    let good = fs::read_to_string(&file).expect("reads");
    let (client, _events) = gateway.connect().await;
    fs::write(&file, format!("{good}\n[gatway]\nport = 1\n")).expect("writes");
    gateway.wait_for_log("was not taken over", 1).await;
    let problem = status(&client).await.config_problem.expect("it is told");
    let line = good.lines().count() + 2;
    assert!(problem.errors[0].contains(&format!("openclaw.toml:{line}:2: gatway")), "{problem:?}");
    assert!(problem.errors[0].contains("did you mean \"gateway\""), "{problem:?}");
    let doctor = gateway.openclaw(&["doctor"]).await;
    assert_eq!(doctor.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&doctor.stdout).contains("gatway"), "{doctor:?}");
    assert_eq!(say(&client, "still there?").await, "You said: still there?");

    fs::write(&file, format!("{good}\n[session]\nqueue_mode = \"batch\"\n")).expect("writes");
    gateway.wait_for_log("the configuration changed and is in force", 1).await;
    assert_eq!(status(&client).await.config_problem, None);
}
