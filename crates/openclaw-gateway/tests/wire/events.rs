use openclaw_gateway::hub::QUEUE_EVENTS;
use openclaw_protocol::event::topic;
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;

use crate::support::{Brought, TestGateway, code};

#[tokio::test]
async fn the_starter_of_a_run_gets_its_events_without_subscribing() {
    let gateway = TestGateway::start().await;
    let mut starter = gateway.socket().await;
    let mut other = gateway.socket().await;
    let begun = starter.call("agent.run", json!({"message": "hi"})).await.expect("begins");
    assert_eq!(begun["status"], "accepted");
    assert_eq!(begun["session_key"], "agent:main:main");
    let run = &begun["run_id"];
    let mut topics = Vec::new();
    let mut last_seq = 0;
    loop {
        let event = match starter.events.is_empty() {
            false => starter.events.remove(0),
            true => match starter.next().await {
                Brought::Text(text) => text["params"].clone(),
                other => panic!("{other:?}"),
            },
        };
        assert_eq!(&event["run_id"], run, "{event}");
        if let Some(seq) = event["seq"].as_i64() {
            assert!(seq > last_seq, "{event}");
            last_seq = seq;
        } else {
            assert!(event["data"]["after_seq"].as_i64().is_some_and(|after| after <= last_seq));
        }
        topics.push(event["topic"].as_str().expect("a topic").to_owned());
        if event["topic"] == topic::AGENT_DONE {
            assert_eq!(event["data"]["reply"], "re: hi");
            break;
        }
    }
    let position = |topic: &str| topics.iter().position(|it| it == topic);
    assert_eq!(position(topic::MESSAGE_RECEIVED), Some(0), "{topics:?}");
    assert!(position(topic::AGENT_STARTED) < position(topic::AGENT_DELTA), "{topics:?}");
    assert_eq!(topics.iter().filter(|it| *it == topic::AGENT_DELTA).count(), 2, "{topics:?}");
    assert!(other.call("ping", json!({})).await.is_ok());
    assert!(other.events.is_empty(), "{:?}", other.events);
}

#[tokio::test]
async fn subscriptions_filter_by_topic_and_session() {
    let gateway = TestGateway::start().await;
    let mut socket = gateway.socket().await;
    for key in ["agent:main:one", "agent:main:two"] {
        gateway
            .call("agent.run", json!({"message": "a", "session_key": key, "wait": true}))
            .await
            .expect("runs");
    }
    for (params, expected) in [
        (json!({"topics": []}), -32602),
        (json!({"topics": ["Agent.*"]}), -32602),
        (json!({"topics": ["*"], "from_seq": 1}), -32602),
        (json!({"topics": ["*"], "session_key": "agent:main:none"}), -32003),
        (json!({"topics": ["*"], "session_key": "agent:nobody:x"}), -32602),
        (json!({"topics": ["*"], "session_key": "agent:main:one", "from_seq": -1}), -32602),
    ] {
        assert_eq!(code(socket.call("subscribe", params.clone()).await), expected, "{params}");
    }
    let only = json!({"topics": ["agent.done"], "session_key": "agent:main:two"});
    let subscription = socket.call("subscribe", only).await.expect("subscribes");
    for key in ["agent:main:one", "agent:main:two"] {
        gateway
            .call("agent.run", json!({"message": "b", "session_key": key, "wait": true}))
            .await
            .expect("runs");
    }
    assert!(socket.call("ping", json!({})).await.is_ok());
    let events: Vec<(&Value, &Value)> =
        socket.events.iter().map(|event| (&event["topic"], &event["session_key"])).collect();
    assert_eq!(events, [(&json!("agent.done"), &json!("agent:main:two"))]);
    let id = json!({"subscription_id": subscription["subscription_id"]});
    assert_eq!(socket.call("unsubscribe", id.clone()).await, Ok(json!({})));
    assert_eq!(code(socket.call("unsubscribe", id).await), -32003);
    socket.events.clear();
    gateway
        .call("agent.run", json!({"message": "c", "session_key": "agent:main:two", "wait": true}))
        .await
        .expect("runs");
    assert!(socket.call("ping", json!({})).await.is_ok());
    assert!(socket.events.is_empty());
}

#[tokio::test]
async fn a_replay_gives_every_stored_event_once_while_runs_go_on() {
    let gateway = TestGateway::start().await;
    let key = "agent:main:busy";
    let run = async |text: String| {
        let params = json!({"message": text, "session_key": key, "wait": true});
        gateway.call("agent.run", params).await.expect("runs");
    };
    run("first".to_owned()).await;
    let (seen, ()) = tokio::join!(
        async {
            let mut seen = Vec::new();
            for from_seq in [0, 3, 1] {
                let mut socket = gateway.socket().await;
                let params = json!({"topics": ["message.*", "agent.*"], "session_key": key, "from_seq": from_seq});
                socket.call("subscribe", params).await.expect("subscribes");
                seen.push((from_seq, socket));
            }
            seen
        },
        async {
            for number in 0..30 {
                run(format!("message {number}")).await;
            }
        }
    );
    run("last".to_owned()).await;
    let stored = gateway.state.storage.session_by_key(&key.parse().expect("valid")).await;
    let session = stored.expect("reads").expect("lives");
    let rows = gateway.state.storage.events_after(&session.id, 0, 1_000).await.expect("reads");
    for (from_seq, mut socket) in seen {
        let mut seqs: Vec<i64> = socket.events.iter().filter_map(|it| it["seq"].as_i64()).collect();
        let expected: Vec<i64> =
            rows.iter().map(|row| row.seq).filter(|seq| *seq >= from_seq).collect();
        while seqs.len() < expected.len() {
            match socket.next().await {
                Brought::Text(text) => seqs.extend(text["params"]["seq"].as_i64()),
                other => panic!("{other:?}"),
            }
        }
        assert_eq!(seqs, expected, "from {from_seq}");
    }
}

#[tokio::test]
async fn a_client_that_does_not_read_gets_all_stored_events_in_the_end() {
    let unlimited = "[gateway.rate_limit]\nrequests_per_second = 0\n";
    let gateway =
        TestGateway::with(unlimited, openclaw_gateway::server::ServerLimits::default()).await;
    let key = "agent:main:flood";
    gateway
        .call("agent.run", json!({"message": "a", "session_key": key, "wait": true}))
        .await
        .expect("runs");
    let mut slow = gateway.socket().await;
    let params = json!({"topics": ["*"], "session_key": key, "from_seq": 0});
    slow.call("subscribe", params).await.expect("subscribes");
    // More than the queue, with texts that the kernel's buffers do not hold.
    let text = "x".repeat(60_000);
    let runs = QUEUE_EVENTS / 4;
    for _ in 0..runs {
        let params = json!({"message": text, "session_key": key, "wait": true});
        gateway.call("agent.run", params).await.expect("runs");
    }
    let stored = gateway.state.storage.session_by_key(&key.parse().expect("valid")).await;
    let session = stored.expect("reads").expect("lives");
    let rows = gateway.state.storage.events_after(&session.id, 0, 10_000).await.expect("reads");
    assert!(rows.len() > runs);
    let mut seqs: Vec<i64> = slow.events.iter().filter_map(|it| it["seq"].as_i64()).collect();
    while seqs.len() < rows.len() {
        match slow.next().await {
            Brought::Text(text) => seqs.extend(text["params"]["seq"].as_i64()),
            other => panic!("after {} of {}: {other:?}", seqs.len(), rows.len()),
        }
    }
    assert_eq!(seqs, rows.iter().map(|row| row.seq).collect::<Vec<_>>());
}

#[tokio::test]
async fn who_never_reads_is_closed_and_others_are_served() {
    use openclaw_gateway::server::ServerLimits;
    let limits =
        ServerLimits { send: std::time::Duration::from_millis(500), ..ServerLimits::default() };
    let gateway = TestGateway::with("", limits).await;
    let mut dead = gateway.socket().await;
    dead.call("subscribe", json!({"topics": ["*"]})).await.expect("subscribes");
    let connections = gateway.state.hub.clients().len();
    let text = "x".repeat(200_000);
    while gateway.state.hub.clients().len() >= connections {
        let params = json!({"message": text, "session_key": "agent:main:deaf", "wait": true});
        gateway.call("agent.run", params).await.expect("runs");
    }
    assert_ne!(dead.end().await, Some(CloseCode::Normal));
}

#[tokio::test]
async fn presence_is_told_to_those_who_ask() {
    let gateway = TestGateway::start().await;
    let mut socket = gateway.socket().await;
    socket.call("subscribe", json!({"topics": ["presence"]})).await.expect("subscribes");
    let other = gateway.socket().await;
    let event = socket.event("presence").await;
    assert_eq!(event["data"]["connections"], 2);
    assert!(event.get("seq").is_none());
    drop(other);
    assert_eq!(socket.event("presence").await["data"]["connections"], 1);
}
