//! A model that fails: the run says so, the chat says so, and the gateway goes on.

use openclaw_core::{RunId, RunStatus, SessionKey};
use openclaw_protocol::methods::{
    AgentRun, AgentRunParams, AgentRunResult, MessageHistory, MessageHistoryParams,
};
use openclaw_testkit::model::{Ending, ModelServer, RecordedRequest, Reply, Script};

use crate::support::{LIMIT, Telegram, TestGateway};

const ANN: i64 = 4_711;

/// What the model does to a message of this name, always or the first time, and what is told of it.
fn failures() -> Vec<(&'static str, Reply, &'static str)> {
    let begun = || Reply::text("The answer is ");
    vec![
        ("reset", begun().ending(Ending::Reset), "the connection"),
        ("refuse", Reply::new().ending(Ending::ResetBeforeHeaders), "the connection"),
        ("cut", begun().ending(Ending::Cut), "the reply was cut off"),
        ("half", begun().ending(Ending::HalfEvent), ""),
        ("garbage", Reply::body(200, "text/event-stream", "data: {\"garbage\n\n"), ""),
        ("page", Reply::body(200, "text/html", "<html>a proxy says hello</html>"), ""),
        ("error", begun().then_error("server_error", "the model broke"), "the model broke"),
        ("down", Reply::error(503, "overloaded_error", "come again later"), "come again later"),
        ("wrong", Reply::error(400, "invalid_request_error", "that is no request"), "no request"),
    ]
}

/// Whether this is the last thing that was said; what was not answered stands before it.
fn is_asked(request: &RecordedRequest, name: &str) -> bool {
    request.last_user_text().lines().last() == Some(format!("please {name}").as_str())
}

fn script() -> Script {
    failures().into_iter().fold(Script::new(), |script, (name, reply, _)| {
        script.on(move |request| is_asked(request, name).then(|| reply.clone()))
    })
}

fn run(name: &str, message: &str) -> AgentRunParams {
    AgentRunParams {
        message: message.to_owned(),
        session_key: Some(SessionKey::parse(&format!("agent:main:{name}")).expect("valid")),
        idempotency_key: Some(RunId::new(format!("run-{name}-{}", message.len())).expect("valid")),
        wait: true,
        ..AgentRunParams::default()
    }
}

async fn texts(client: &openclaw_client::Client, name: &str) -> Vec<String> {
    let params = MessageHistoryParams {
        session_key: run(name, "").session_key,
        ..MessageHistoryParams::default()
    };
    let history = client.call::<MessageHistory>(&params).await.expect("the session is there");
    history.messages.iter().map(|message| message.content.plain_text().to_owned()).collect()
}

#[tokio::test]
async fn what_never_works_is_told() {
    let model = ModelServer::with(script()).await;
    let gateway = TestGateway::with_model(&model, "").await;
    let (client, _events) = gateway.connect().await;
    for (name, _, told) in failures() {
        let message = format!("please {name}");
        let failed: AgentRunResult =
            client.call_within::<AgentRun>(&run(name, &message), LIMIT).await.expect("it ends");
        assert_eq!(failed.status, RunStatus::Error, "{name}: {failed:?}");
        let error = failed.error.expect("it says why");
        assert!(error.message.contains(told), "{name}: {error:?}");
        let said = texts(&client, name).await;
        assert_eq!(said.len(), 2, "{name}: {said:?}");
        assert_eq!(said[0], message, "it is kept");
        assert!(said[1].starts_with("I could not answer: "), "{name}: {said:?}");
        let next = client.call::<AgentRun>(&run(name, "hello")).await.expect("it goes on");
        assert_eq!(next.reply.as_deref(), Some("You said: hello"), "{name}");
    }
    assert!(!gateway.log().contains("panicked"), "{}", gateway.log());
    assert_eq!(model.violations(), Vec::<String>::new());
}

#[tokio::test]
async fn what_works_the_second_time_is_answered() {
    let model = ModelServer::start().await;
    let gateway = TestGateway::with_model(&model, "").await;
    let (client, _events) = gateway.connect().await;
    for (name, reply, _) in failures().into_iter().filter(|(name, ..)| *name != "wrong") {
        model.push(reply);
        let done = client.call::<AgentRun>(&run(name, "hello")).await.expect("it is answered");
        assert_eq!(done.reply.as_deref(), Some("You said: hello"), "{name}: {done:?}");
        assert_eq!(texts(&client, name).await, ["hello", "You said: hello"], "{name}");
    }
}

#[tokio::test]
async fn a_model_that_hangs_is_given_up() {
    let script = Script::new()
        .on_user("please hang", Reply::hang())
        .on_user("please pause", Reply::text("Half of it").ending(Ending::Hang));
    let model = ModelServer::with(script).await;
    let gateway = TestGateway::with_model(&model, "").await;
    let (client, _events) = gateway.connect().await;
    for (name, begun) in [("hang", None), ("pause", Some("Half of it"))] {
        let params =
            AgentRunParams { timeout_seconds: Some(2), ..run(name, &format!("please {name}")) };
        let ended = client.call::<AgentRun>(&params).await.expect("it ends");
        assert_eq!(ended.status, RunStatus::Timeout, "{name}: {ended:?}");
        assert_eq!(ended.reply.as_deref(), begun, "{name}: {ended:?}");
        let said = texts(&client, name).await;
        assert!(said[1].contains("time limit of 2 s ran out"), "{name}: {said:?}");
        assert!(model.wait_closed(LIMIT).await, "{name}: the connection is closed");
    }
}

#[tokio::test]
async fn a_person_is_told_in_the_chat() {
    let (model, telegram) = (ModelServer::with(script()).await, Telegram::start().await);
    telegram.bot.add_user(ANN, "Ann", None);
    let _gateway = TestGateway::with_model(&model, &telegram.config("dm_policy = \"open\"")).await;
    telegram.bot.say(ANN, ANN, "please garbage");
    telegram.wait_for_text(ANN, |text| text.starts_with("I could not answer: ")).await;
    telegram.bot.say(ANN, ANN, "hello");
    telegram.wait_for_text(ANN, |text| text == "You said: hello").await;
    assert_eq!(telegram.shown(ANN).len(), 2);
}
