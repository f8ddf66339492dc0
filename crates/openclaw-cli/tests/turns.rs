//! Turns over the protocol: streamed, stored, never twice, and kept over a stop.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use openclaw_client::{Client, ClientError, Events};
use openclaw_core::{MessageContent, RunId, RunStatus, SessionKey};
use openclaw_protocol::EventParams;
use openclaw_protocol::event::{AgentDeltaEvent, AgentDoneEvent, topic};
use openclaw_protocol::methods::{
    AgentRun, AgentRunParams, AgentRunResult, AgentStatus, AgentStatusParams, GatewayRestart,
    MessageHistory, MessageHistoryParams, MessageReceive, MessageReceiveParams, NoParams,
};
use openclaw_testkit::model::{Ending, ModelServer, Reply, Script, ScriptedCall};
use serde_json::json;
use tokio::time::timeout;

use crate::support::{LIMIT, TestGateway};

fn run(session: &str, message: &str) -> AgentRunParams {
    AgentRunParams {
        message: message.to_owned(),
        session_key: Some(key(session)),
        ..AgentRunParams::default()
    }
}

fn key(session: &str) -> SessionKey {
    SessionKey::parse(session).expect("the key is well formed")
}

/// The texts of a session with who said them, oldest first.
async fn history(client: &Client, session: &str) -> Vec<(String, String)> {
    let params = MessageHistoryParams {
        session_id: None,
        session_key: Some(key(session)),
        limit: None,
        before: None,
    };
    let result = client.call::<MessageHistory>(&params).await.expect("the session is there");
    result
        .messages
        .into_iter()
        .map(|message| match message.content {
            MessageContent::Text { text } | MessageContent::System { text } => {
                (format!("{:?}", message.direction), text)
            }
            other => panic!("only texts were said, not {other:?}"),
        })
        .collect()
}

/// The events of a run up to one of a topic, that one last.
async fn events_until(events: &mut Events, run_id: &RunId, last: &str) -> Vec<EventParams> {
    let mut seen = Vec::new();
    let reading = async {
        while let Some(event) = events.next().await {
            if event.run_id.as_ref() == Some(run_id) {
                let found = event.topic == last;
                seen.push(event);
                if found {
                    return;
                }
            }
        }
        panic!("the connection was lost");
    };
    if timeout(LIMIT, reading).await.is_err() {
        panic!("no {last} in {seen:#?}");
    }
    seen
}

#[tokio::test]
async fn a_turn_streams_and_is_stored() {
    let reply = Reply::chunks(["One, ", "two, ", "three."]).gap(Duration::from_millis(60));
    let model = ModelServer::with(Script::new().then(reply)).await;
    let gateway = TestGateway::with_model(&model, "").await;
    let (client, mut events) = gateway.connect().await;

    let begun =
        client.call::<AgentRun>(&run("agent:main:count", "count")).await.expect("it begins");
    assert!(!begun.status.is_final(), "without `wait` the answer comes later: {begun:?}");
    let seen = events_until(&mut events, &begun.run_id, topic::AGENT_DONE).await;

    let deltas: Vec<AgentDeltaEvent> = seen
        .iter()
        .filter(|event| event.topic == topic::AGENT_DELTA)
        .map(|event| serde_json::from_value(event.data.clone()).expect("it is a delta"))
        .collect();
    assert!(deltas.len() >= 2, "the text came in pieces: {deltas:?}");
    let text: String = deltas.iter().map(|delta| delta.text.as_str()).collect();
    assert_eq!(text, "One, two, three.");
    let done = seen.last().map(|event| event.data.clone()).expect("there are events");
    let done: AgentDoneEvent = serde_json::from_value(done).expect("it is an answer");
    assert_eq!(done.reply, "One, two, three.");

    assert_eq!(
        history(&client, "agent:main:count").await,
        [
            ("Inbound".to_owned(), "count".to_owned()),
            ("Outbound".to_owned(), "One, two, three.".to_owned())
        ]
    );
    assert_eq!(model.violations(), Vec::<String>::new());
}

#[tokio::test]
async fn the_same_key_runs_once() {
    let model = ModelServer::start().await;
    let mut gateway = TestGateway::with_model(&model, "").await;
    let params = AgentRunParams {
        idempotency_key: Some(RunId::new("once-1").expect("the id is well formed")),
        wait: true,
        ..run("agent:main:once", "hello")
    };

    let (client, _events) = gateway.connect().await;
    let (other, _events) = gateway.connect().await;
    let (first, second) =
        tokio::join!(client.call::<AgentRun>(&params), other.call::<AgentRun>(&params));
    let first = first.expect("it is answered");
    assert_eq!(first.status, RunStatus::Done);
    assert_eq!(first.reply.as_deref(), Some("You said: hello"));
    assert_eq!(second.expect("it is answered"), first);

    gateway.kill_hard().await;
    gateway.restart().await;
    let (client, _events) = gateway.connect().await;
    let changed = AgentRunParams { message: "something else".to_owned(), ..params };
    let third = client.call::<AgentRun>(&changed).await.expect("it is answered");
    assert_eq!(third, first, "the key decides, over a kill too");
    assert_eq!(model.requests().len(), 1);
}

#[tokio::test]
async fn without_a_model_the_input_is_refused_with_a_hint() {
    let gateway = TestGateway::with_config("").await;
    let (client, _events) = gateway.connect().await;
    for wait in [false, true] {
        let session = format!("agent:main:no-model-{wait}");
        let run_id = RunId::new(format!("refused-{wait}")).expect("the id is well formed");
        let params = AgentRunParams {
            idempotency_key: Some(run_id.clone()),
            wait,
            ..run(&session, "hello")
        };
        for again in [false, true] {
            let error = match client.call::<AgentRun>(&params).await {
                Err(ClientError::Rpc(error)) => error,
                other => panic!("there is no model, but {other:?}"),
            };
            assert_eq!(error.code, -32008, "asked again: {again}, {error:?}");
            let hint = error.data.and_then(|data| data.hint).expect("it says what to do");
            assert!(hint.contains("agents.model") || hint.contains("_API_KEY"), "{hint}");
        }
        // Its lane says so in the session too, after the call was answered.
        let params = MessageReceiveParams {
            session_key: key(&session),
            after_seq: Some(1),
            wait_ms: Some(30_000),
            limit: None,
        };
        client.call::<MessageReceive>(&params).await.expect("the session is there");
        let said = history(&client, &session).await;
        assert_eq!(said.first(), Some(&("Inbound".to_owned(), "hello".to_owned())), "it is stored");
        assert_eq!(said.len(), 2, "one reply tells what to set: {said:?}");

        let params = AgentStatusParams { run_id: Some(run_id), ..AgentStatusParams::default() };
        let status = client.call::<AgentStatus>(&params).await.expect("the run is known");
        let states: Vec<RunStatus> = status.runs.iter().map(|run| run.status).collect();
        assert_eq!(states, [RunStatus::Error], "it has ended and is not run later");
    }
}

#[tokio::test]
async fn a_stop_in_the_middle_of_a_turn_costs_nothing() {
    let interrupted = AtomicBool::new(false);
    let script = Script::new().on(move |request| {
        if !request.has_tool_result() {
            let looking = Reply::text("Let me look.");
            return Some(looking.then_call(ScriptedCall::new("list", &json!({"path": "."}))));
        }
        let first = !interrupted.swap(true, Ordering::SeqCst);
        let begun = Reply::text("There is ");
        Some(if first { begun.ending(Ending::Hang) } else { begun.then_text("nothing.") })
    });
    let model = ModelServer::with(script).await;
    let mut gateway = TestGateway::with_model(&model, "").await;
    let (client, mut events) = gateway.connect().await;
    let params = AgentRunParams {
        idempotency_key: Some(RunId::new("stopped-1").expect("the id is well formed")),
        ..run("agent:main:stopped", "what is there?")
    };
    let begun = client.call::<AgentRun>(&params).await.expect("it begins");
    events_until(&mut events, &begun.run_id, topic::AGENT_TOOL).await;
    model.wait_for_requests(2, LIMIT).await;

    let status = gateway.terminate(Duration::from_secs(15)).await;
    assert_eq!(status.code(), Some(0), "{}", gateway.log());

    gateway.restart().await;
    let (client, _events) = gateway.connect().await;
    let again = AgentRunParams { wait: true, ..params };
    let ended: AgentRunResult = client.call::<AgentRun>(&again).await.expect("it is answered");
    assert_eq!(ended.status, RunStatus::Done, "{ended:?}");
    let said = history(&client, "agent:main:stopped").await;
    let answers: Vec<&str> =
        said.iter().filter(|(who, _)| who == "Outbound").map(|(_, text)| text.as_str()).collect();
    assert_eq!(answers.len(), 1, "{said:?}");
    assert!(answers[0].ends_with("There is nothing."), "{said:?}");
    assert_eq!(model.violations(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_signal_ends_a_restart_that_waits_for_a_turn() {
    let model = ModelServer::with(Script::new().on_user("ponder", Reply::hang())).await;
    let mut gateway = TestGateway::with_model(&model, "").await;
    let (client, _events) = gateway.connect().await;
    client.call::<AgentRun>(&run("agent:main:restart", "ponder")).await.expect("begins");
    model.wait_for_requests(1, LIMIT).await;
    client.call::<GatewayRestart>(&NoParams {}).await.expect("restarts");
    gateway.wait_for_log("stopping: turns finish", 1).await;
    let status = gateway.terminate(LIMIT).await;
    assert!(status.success(), "{status:?}\n{}", gateway.log());
    assert_eq!(gateway.log().matches("the gateway serves").count(), 1, "{}", gateway.log());
}

#[tokio::test]
async fn a_gateway_is_found_by_its_state_folder() {
    let model = ModelServer::start().await;
    let mut gateway = TestGateway::with_model(&model, "").await;
    let said = gateway.cli_without_port(&["agent", "run", "-m", "where are you?"]).await;
    let (shown, told) =
        (String::from_utf8_lossy(&said.stdout), String::from_utf8_lossy(&said.stderr));
    assert!(said.status.success(), "{told}");
    assert!(shown.contains("You said: where are you?"), "{shown}");
    assert!(!told.contains("in this process"), "{told}");

    // What it said of itself does not outlive it.
    gateway.kill_hard().await;
    let status = gateway.cli_without_port(&["gateway", "status"]).await;
    assert_eq!(status.status.code(), Some(4), "{}", String::from_utf8_lossy(&status.stderr));
    assert!(String::from_utf8_lossy(&status.stderr).contains("127.0.0.1:18789"), "the default");
}
