//! Fan-out against a model: commits, their announcements, subscriptions, slow readers and reads of the
//! store in any order. What is stored reaches who asked for it once, in order.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, OnceLock};

use openclaw_core::{
    AgentEvent, AgentId, ChannelId, ChatId, RunId, Session, SessionConfig, SessionContext,
    SessionId, SessionKey, SessionState, SystemClock, Timestamp, UserId,
};
use openclaw_gateway::delivery::{LiveEvent, LiveSink as _};
use openclaw_gateway::hub::{Client, Hub, Outgoing, QUEUE_EVENTS, Replay, TopicFilter};
use openclaw_protocol::ScopeSet;
use openclaw_storage::memory::MemoryStorage;
use openclaw_storage::{
    Batch, CommitObserver, Committed, EventDraft, LogEntry, Storage as _, Write,
};
use proptest::prelude::*;
use serde_json::{Value, json};

const TOPICS: [&str; 3] = ["agent.started", "agent.tool", "message.sent"];
const FILTERS: [&str; 4] = ["*", "agent.*", "agent.tool", "message.sent"];

/// Holds announcements back until the test lets them go.
#[derive(Debug, Default)]
struct HeldBack {
    hub: OnceLock<Arc<Hub>>,
    waiting: Mutex<VecDeque<Committed>>,
}

impl CommitObserver for HeldBack {
    fn committed(&self, committed: Committed) {
        self.waiting.lock().expect("not poisoned").push_back(committed);
    }
}

impl HeldBack {
    fn announce(&self) -> bool {
        let next = self.waiting.lock().expect("not poisoned").pop_front();
        let is_some = next.is_some();
        if let (Some(next), Some(hub)) = (next, self.hub.get()) {
            hub.committed(next);
        }
        is_some
    }
}

struct World {
    storage: Arc<MemoryStorage>,
    held: Arc<HeldBack>,
    hub: Arc<Hub>,
    session: Session,
    /// The topic of each `seq`, from 1.
    log: Vec<&'static str>,
}

fn session() -> Session {
    let at = Timestamp::from_millis(0);
    Session {
        id: SessionId::new("s").expect("valid"),
        session_key: SessionKey::main(&AgentId::main()),
        agent_id: AgentId::main(),
        channel_id: ChannelId::web(),
        user_id: UserId::new("u").expect("valid"),
        chat_id: ChatId::new("c").expect("valid"),
        label: None,
        config: SessionConfig::default(),
        state: SessionState::Idle,
        context: SessionContext::default(),
        last_seq: 0,
        created_at: at,
        updated_at: at,
        last_activity_at: at,
        ended_at: None,
    }
}

impl World {
    async fn new() -> Self {
        let held = Arc::new(HeldBack::default());
        let storage = Arc::new(MemoryStorage::new(Arc::new(SystemClock), held.clone()));
        let hub = Arc::new(Hub::new(storage.clone(), Arc::new(SystemClock)));
        assert!(held.hub.set(hub.clone()).is_ok());
        let session = session();
        let create = Write::CreateSession(Box::new(session.clone()));
        storage.apply(Batch::new().with(create)).await.expect("creates");
        held.announce();
        Self { storage, held, hub, session, log: Vec::new() }
    }

    async fn commit(&mut self, topic: &'static str) {
        let entry = LogEntry {
            session_id: self.session.id.clone(),
            session_key: self.session.session_key.clone(),
            run_id: None,
            message: None,
            transcript: None,
            event: Some(EventDraft { topic, message_id: None, data: Some(json!({})) }),
            at: Timestamp::from_millis(1),
        };
        let batch = Batch::new().with(Write::Append(Box::new(entry)));
        let applied = self.storage.apply(batch).await.expect("appends");
        self.log.push(topic);
        assert_eq!(applied.seqs, [self.log.len() as i64]);
    }

    fn client(&self) -> Arc<Client> {
        let client = self.hub.connect();
        self.hub.sign_in(&client, "owner".into(), ScopeSet::all());
        client
    }

    fn subscribe(&self, client: &Arc<Client>, filter: &str, from_seq: Option<i64>) {
        let replay = from_seq.map(|from_seq| Replay {
            session_id: self.session.id.clone(),
            session_key: self.session.session_key.clone(),
            from_seq,
        });
        let topics = vec![TopicFilter::parse(filter).expect("a filter")];
        let key = replay.as_ref().map(|replay| replay.session_key.clone());
        self.hub.subscribe(client, topics, key, replay).expect("subscribes");
    }

    fn delta(&self, index: u64) {
        self.hub.live(LiveEvent {
            session_id: self.session.id.clone(),
            session_key: self.session.session_key.clone(),
            run_id: RunId::new("r").expect("valid"),
            after_seq: self.log.len() as i64,
            event: AgentEvent::Delta { text: "x".to_owned(), index, reset: false },
        });
    }

    async fn settle(&self, reader: &mut Reader) {
        while self.held.announce() {}
        loop {
            let before = reader.stored.len();
            reader.read(usize::MAX);
            if !reader.client.needs_catch_up() && reader.stored.len() == before {
                return;
            }
            reader.client.catch_up(self.storage.as_ref()).await;
        }
    }

    fn seqs(&self, filter: &str, from: i64) -> Vec<i64> {
        let filter = TopicFilter::parse(filter).expect("a filter");
        (1..)
            .zip(&self.log)
            .filter(|(seq, topic)| *seq >= from && filter.matches(topic))
            .map(|(seq, _)| seq)
            .collect()
    }
}

/// A client that reads when the test says so.
struct Reader {
    client: Arc<Client>,
    stored: Vec<i64>,
    deltas: Vec<u64>,
}

impl Reader {
    fn new(client: Arc<Client>) -> Self {
        Self { client, stored: Vec::new(), deltas: Vec::new() }
    }

    fn read(&mut self, most: usize) {
        for _ in 0..most {
            let Some(outgoing) = self.client.try_next() else { return };
            let Outgoing::Event(text) = outgoing else { continue };
            let event: Value = serde_json::from_str(&text).expect("JSON");
            match event["params"]["seq"].as_i64() {
                Some(seq) => self.stored.push(seq),
                None => self.deltas.extend(event["params"]["data"]["index"].as_u64()),
            }
        }
    }
}

#[derive(Debug, Clone)]
enum Step {
    /// So many commits of a topic.
    Commit(usize, usize),
    Announce(usize),
    Read(usize),
    CatchUp,
    Delta,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => (1_usize..4, 0..TOPICS.len()).prop_map(|(many, topic)| Step::Commit(many, topic)),
        1 => (100_usize..400, 0..TOPICS.len()).prop_map(|(many, topic)| Step::Commit(many, topic)),
        4 => (1_usize..5).prop_map(Step::Announce),
        1 => Just(Step::Announce(500)),
        3 => (1_usize..200).prop_map(Step::Read),
        3 => Just(Step::CatchUp),
        2 => Just(Step::Delta),
    ]
}

async fn act(world: &mut World, reader: &mut Reader, steps: &[Step], deltas: &mut u64) {
    for step in steps {
        match step {
            Step::Commit(many, topic) => {
                for _ in 0..*many {
                    world.commit(TOPICS[*topic]).await;
                }
            }
            Step::Announce(many) => {
                for _ in 0..*many {
                    world.held.announce();
                }
            }
            Step::Read(most) => reader.read(*most),
            Step::CatchUp => {
                if reader.client.needs_catch_up() {
                    reader.client.catch_up(world.storage.as_ref()).await;
                }
            }
            Step::Delta => {
                world.delta(*deltas);
                *deltas += 1;
            }
        }
    }
}

fn run<T>(test: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .expect("a runtime")
        .block_on(test)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(200) })]

    /// A replay, whenever it begins and however slowly it is read, gives every stored event from its
    /// `seq` on, once and in order; deltas keep their order.
    #[test]
    fn a_replay_has_no_gap_and_no_double(
        before in prop::collection::vec(step(), 0..12),
        after in prop::collection::vec(step(), 0..24),
        filter in prop::sample::select(FILTERS.to_vec()),
        from in 0_i64..12,
    ) {
        run(async {
            let mut world = World::new().await;
            let mut reader = Reader::new(world.client());
            let mut deltas = 0;
            act(&mut world, &mut reader, &before, &mut deltas).await;
            let from = from.min(world.log.len() as i64 + 1);
            world.subscribe(&reader.client, filter, Some(from));
            act(&mut world, &mut reader, &after, &mut deltas).await;
            world.settle(&mut reader).await;
            prop_assert_eq!(&reader.stored, &world.seqs(filter, from));
            prop_assert!(reader.deltas.is_sorted());
            Ok(())
        })?;
    }

    /// Who follows from the beginning misses nothing, although the queue overflows.
    #[test]
    fn a_follower_has_no_gap_and_no_double(steps in prop::collection::vec(step(), 0..32)) {
        run(async {
            let mut world = World::new().await;
            let mut reader = Reader::new(world.client());
            world.subscribe(&reader.client, "agent.*", None);
            act(&mut world, &mut reader, &steps, &mut 0).await;
            world.settle(&mut reader).await;
            prop_assert_eq!(&reader.stored, &world.seqs("agent.*", 1));
            Ok(())
        })?;
    }

    /// A replay beside a general subscription repeats only what it asked for: everything arrives,
    /// what is committed after it once.
    #[test]
    fn a_replay_beside_another_subscription_repeats_nothing_new(
        before in prop::collection::vec(step(), 0..12),
        after in prop::collection::vec(step(), 0..24),
        filter in prop::sample::select(FILTERS.to_vec()),
        from in 0_i64..12,
    ) {
        run(async {
            let mut world = World::new().await;
            let mut reader = Reader::new(world.client());
            world.subscribe(&reader.client, "*", None);
            let mut deltas = 0;
            act(&mut world, &mut reader, &before, &mut deltas).await;
            let committed = world.log.len() as i64;
            let from = from.min(committed + 1);
            world.subscribe(&reader.client, filter, Some(from));
            act(&mut world, &mut reader, &after, &mut deltas).await;
            world.settle(&mut reader).await;
            let mut counts = BTreeMap::<i64, usize>::new();
            for seq in &reader.stored {
                *counts.entry(*seq).or_default() += 1;
            }
            let replayed = world.seqs(filter, from);
            for seq in world.seqs("*", 1) {
                let count = counts.get(&seq).copied().unwrap_or(0);
                let most = if seq <= committed && replayed.contains(&seq) { 2 } else { 1 };
                prop_assert!((1..=most).contains(&count), "seq {} came {} times", seq, count);
            }
            Ok(())
        })?;
    }
}

#[test]
fn a_full_queue_drops_deltas_and_keeps_stored_events_for_later() {
    run(async {
        let mut world = World::new().await;
        let mut reader = Reader::new(world.client());
        world.subscribe(&reader.client, "*", None);
        for index in 0..QUEUE_EVENTS as u64 + 50 {
            world.delta(index);
        }
        world.commit("agent.started").await;
        world.held.announce();
        world.delta(999);
        assert!(!reader.client.needs_catch_up(), "there is no room yet");
        reader.read(usize::MAX);
        assert_eq!(reader.deltas.len(), QUEUE_EVENTS);
        assert!(reader.stored.is_empty());
        world.settle(&mut reader).await;
        assert_eq!(reader.stored, [1]);
        world.delta(1_000);
        reader.read(usize::MAX);
        assert_eq!(reader.deltas.last(), Some(&1_000));
    });
}

#[tokio::test(start_paused = true)]
async fn a_queue_that_stays_full_ends_its_connection() {
    let mut world = World::new().await;
    let client = world.client();
    world.subscribe(&client, "*", None);
    for index in 0..QUEUE_EVENTS as u64 + 1 {
        world.delta(index);
    }
    tokio::time::advance(std::time::Duration::from_secs(9)).await;
    world.delta(0);
    assert_eq!(client.close_reason(), None);
    tokio::time::advance(std::time::Duration::from_secs(1)).await;
    world.commit("agent.started").await;
    world.held.announce();
    assert!(client.close_reason().is_some());
}

#[test]
fn a_gone_client_is_forgotten() {
    run(async {
        let world = World::new().await;
        let client = world.client();
        world.subscribe(&client, "*", None);
        world.subscribe(&client, "agent.*", Some(0));
        world.hub.watch_run(&client, &RunId::new("r").expect("valid"));
        world.hub.disconnect(&client);
        assert!(world.hub.clients().is_empty());
        assert_eq!(Arc::strong_count(&client), 1);
    });
}
