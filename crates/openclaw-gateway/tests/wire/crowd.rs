//! Many clients that listen while many sessions talk.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::future::join_all;
use openclaw_protocol::event::topic;
use serde_json::{Value, json};

use crate::support::{Brought, TestGateway, TestSocket};

const LISTENERS: usize = 120;
const SESSIONS: usize = 16;
const RUNS: usize = 3;
const TOPICS: [&str; 2] = ["agent.*", "message.*"];

/// The sequence numbers that came, by session.
type Seen = BTreeMap<String, Vec<i64>>;

struct Listener {
    socket: TestSocket,
    seen: Seen,
    ends: BTreeSet<String>,
}

impl Listener {
    async fn of_all(gateway: &TestGateway) -> Self {
        let mut socket = gateway.socket().await;
        socket.call("subscribe", json!({"topics": TOPICS})).await.expect("subscribes");
        Self { socket, seen: Seen::new(), ends: BTreeSet::new() }
    }

    fn note(&mut self, event: &Value) {
        if let Some(seq) = event["seq"].as_i64() {
            let key = event["session_key"].as_str().expect("a key").to_owned();
            self.seen.entry(key).or_default().push(seq);
        }
        if event["topic"] == topic::AGENT_DONE {
            let run = event["run_id"].as_str().expect("a run").to_owned();
            assert!(self.ends.insert(run), "an end came twice: {event}");
        }
    }

    /// Listens until so many runs have ended.
    async fn until(&mut self, ends: usize) {
        for event in std::mem::take(&mut self.socket.events) {
            self.note(&event);
        }
        while self.ends.len() < ends {
            match self.socket.next().await {
                Brought::Text(text) => self.note(&text["params"]),
                other => panic!("{other:?} after {} of {ends} ends", self.ends.len()),
            }
        }
    }

    /// Leaves, and comes back for what it missed.
    async fn resumed(mut self, gateway: &TestGateway, keys: &[String]) -> Self {
        self.socket = gateway.socket().await;
        for key in keys {
            let next = self.seen.get(key).and_then(|seqs| seqs.last()).map_or(1, |seq| seq + 1);
            let params = json!({"topics": TOPICS, "session_key": key, "from_seq": next});
            self.socket.call("subscribe", params).await.expect("subscribes");
        }
        self
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crowd_misses_no_end_and_resumes_exactly_what_it_missed() {
    // All of them use one credential.
    let unlimited = "[gateway.rate_limit]\nrequests_per_second = 0\n";
    let gateway = TestGateway::with(unlimited, Default::default()).await;
    let keys: Vec<String> = (0..SESSIONS).map(|number| format!("agent:main:c{number}")).collect();
    let mut listeners = Vec::new();
    for _ in 0..LISTENERS {
        listeners.push(Listener::of_all(&gateway).await);
    }
    // It asks for everything and reads nothing.
    let _deaf = Listener::of_all(&gateway).await;
    let talking = join_all(keys.iter().map(async |key| {
        for run in 0..RUNS {
            let message = format!("{run} of {key}");
            let params = json!({"message": message, "session_key": key, "wait": true});
            let ran = gateway.call("agent.run", params).await.expect("runs");
            assert_eq!(ran["reply"], format!("re: {message}"));
        }
    }));
    let all = SESSIONS * RUNS;
    let (gateway, keys) = (&gateway, &keys[..]);
    let listening =
        join_all(listeners.into_iter().enumerate().map(async |(number, mut listener)| {
            if number % 3 == 0 {
                listener.until(1 + number % all).await;
                listener = listener.resumed(gateway, keys).await;
            }
            listener.until(all).await;
            listener
        }));
    let (_, heard) = tokio::join!(talking, listening);
    for listener in &heard {
        assert_eq!(listener.ends.len(), all);
        for key in keys {
            let seqs = &listener.seen[key];
            let wanted: Vec<i64> = (1..=seqs.len() as i64).collect();
            assert_eq!(*seqs, wanted, "no gap and no double in {key}");
        }
    }
}
