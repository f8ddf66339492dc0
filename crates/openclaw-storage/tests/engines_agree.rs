//! Random batches give the same answers, contents and reports in every engine.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use openclaw_core::{MessageContent, Outbound, RunStatus, Secret, SessionState};
use openclaw_storage::conformance::memory::{agent, note, piece};
use openclaw_storage::conformance::{
    ManualClock, Recorder, Universe, at, channel, chat, entry, external, image, inbox_id, input,
    message_id, outbox, outbox_id, run, session, session_id, session_key, user_id,
};
use openclaw_storage::memory::MemoryStorage;
use openclaw_storage::postgres::{LeaseClock, PostgresOptions, PostgresStorage};
use openclaw_storage::rows::{
    InputState, MemoryFileRow, MemoryIndexing, MemorySource, MemoryVector, OutboxState,
    TranscriptKind, UserRow,
};
use openclaw_storage::sqlite::{SqliteOptions, SqliteStorage, Synchronous};
use openclaw_storage::{
    Applied, ApplyError, Batch, Committed, EventDraft, Fence, InputChange, MemoryWrite,
    OutboxChange, SessionPatch, Storage, TranscriptDraft, Write,
};
use openclaw_testkit::postgres::PostgresServer;
use proptest::prelude::*;

const NAMES: [&str; 4] = ["1", "2", "3", "4"];
const SESSIONS: [&str; 3] = ["a", "b", "c"];
const TEXTS: [&str; 4] = ["red door", "a door opened", "Tür 東京", "keys"];
const RESOURCES: [&str; 3] = ["lane:agent:main:a", "account:telegram", "lane:x"];

fn universe() -> Universe {
    let runs: Vec<_> = NAMES.map(run).to_vec();
    Universe {
        sessions: SESSIONS.map(session_id).to_vec(),
        keys: SESSIONS.map(session_key).to_vec(),
        messages: NAMES.map(message_id).to_vec(),
        inputs: NAMES.map(inbox_id).to_vec(),
        runs,
        outbox: NAMES.map(outbox_id).to_vec(),
        channels: ["web", "telegram"].map(channel).to_vec(),
        chats: ["room", "42", "43"].map(chat).to_vec(),
        users: ["7", "8"].map(user_id).to_vec(),
        resources: RESOURCES.map(ToOwned::to_owned).to_vec(),
        codes: ["AAAA", "BBBB"].map(ToOwned::to_owned).to_vec(),
        agents: ["main", "other"].map(agent).to_vec(),
        texts: TEXTS.map(ToOwned::to_owned).to_vec(),
    }
}

fn name() -> impl Strategy<Value = &'static str> {
    prop::sample::select(&NAMES[..])
}

fn of_session() -> impl Strategy<Value = &'static str> {
    prop::sample::select(&SESSIONS[..])
}

fn millis() -> impl Strategy<Value = i64> {
    1_000..9_000_i64
}

fn input_state() -> impl Strategy<Value = InputState> {
    prop::sample::select(vec![
        InputState::Waiting,
        InputState::Running,
        InputState::Answered,
        InputState::Merged,
        InputState::Refused,
        InputState::Failed,
    ])
}

fn outbox_state() -> impl Strategy<Value = OutboxState> {
    prop::sample::select(vec![
        OutboxState::Pending,
        OutboxState::Sending,
        OutboxState::Sent,
        OutboxState::Failed,
        OutboxState::Unknown,
    ])
}

fn owner() -> impl Strategy<Value = Option<(String, i64)>> {
    prop::option::of((prop::sample::select(vec!["one", "two"]), 1..4_i64))
        .prop_map(|owner| owner.map(|(name, fence)| (name.to_owned(), fence)))
}

fn patch() -> impl Strategy<Value = SessionPatch> {
    (
        prop::option::of(prop::option::of(prop::sample::select(vec!["Aa", "Bb"]))),
        prop::option::of(prop::sample::select(vec![SessionState::Idle, SessionState::Running])),
        prop::option::of(millis()),
        prop::option::of(millis()),
    )
        .prop_map(|(label, state, active, updated)| SessionPatch {
            label: label.map(|label| label.map(ToOwned::to_owned)),
            config: None,
            state,
            context: None,
            last_activity_at: active.map(at),
            updated_at: updated.map(at),
        })
}

fn session_write() -> impl Strategy<Value = Write> {
    prop_oneof![
        (of_session(), of_session(), millis(), any::<bool>()).prop_map(|(id, key, active, web)| {
            let mut new = session(id);
            new.session_key = session_key(key);
            new.last_activity_at = at(active);
            if !web {
                new.channel_id = channel("telegram");
            }
            Write::CreateSession(Box::new(new))
        }),
        (of_session(), patch())
            .prop_map(|(id, patch)| Write::UpdateSession { id: session_id(id), patch }),
        (of_session(), millis())
            .prop_map(|(id, ended)| Write::EndSession { id: session_id(id), at: at(ended) }),
        of_session().prop_map(|id| Write::DeleteSession { id: session_id(id) }),
    ]
}

fn append() -> impl Strategy<Value = Write> {
    (of_session(), name(), name(), any::<[bool; 5]>(), 0..100_u32, millis()).prop_map(
        |(session, message, of_run, [says, remembers, tells, points, is_telegram], data, now)| {
            let mut new = entry(session, message);
            new.at = at(now);
            new.run_id = points.then(|| run(of_run));
            if let Some(message) = &mut new.message
                && is_telegram
            {
                message.channel_id = channel("telegram");
                message.chat = chat("42");
                message.external_id = Some(external(&format!("message-{of_run}")));
            }
            if !says {
                new.message = None;
            }
            new.transcript = remembers.then(|| TranscriptDraft {
                kind: TranscriptKind::Note,
                message_id: points.then(|| message_id(message)),
                data: serde_json::json!({"n": data, "text": "ü\u{0}"}),
            });
            if !tells {
                new.event = Some(EventDraft {
                    topic: "agent.done",
                    message_id: None,
                    data: points.then_some(serde_json::Value::Null),
                });
            }
            Write::Append(Box::new(new))
        },
    )
}

fn message_write() -> impl Strategy<Value = Write> {
    prop_oneof![
        (name(), millis()).prop_map(|(id, edited)| Write::EditMessage {
            id: message_id(id),
            content: MessageContent::text(format!("edited {edited}")),
            edited_at: at(edited),
        }),
        (name(), name()).prop_map(|(id, as_id)| Write::SetMessageExternalId {
            id: message_id(id),
            external_id: external(&format!("message-{as_id}")),
        }),
    ]
}

fn input_write() -> impl Strategy<Value = Write> {
    let states = prop::collection::vec(input_state(), 0..3);
    prop_oneof![
        (of_session(), name(), name(), name(), input_state()).prop_map(
            |(session, id, of_run, event, state)| {
                let mut new = input(session, id);
                new.run_id = run(of_run);
                new.inbound.external_id = external(&format!("run-{event}"));
                new.state = state;
                Write::AcceptInput(Box::new(new))
            }
        ),
        (name(), states, input_state(), owner(), prop::option::of(any::<bool>()), millis())
            .prop_map(|(id, from, to, owner, delivered, now)| {
                let mut change =
                    InputChange::new(inbox_id(id), from, to, RunStatus::Running, at(now));
                change.owner = owner;
                change.delivered = delivered;
                change.reply = delivered.map(|delivered| format!("reply {delivered}"));
                Write::ChangeInput(Box::new(change))
            }),
        (name(), name()).prop_map(|(id, text)| Write::ReplaceInput {
            id: inbox_id(id),
            inbound: Box::new(input("a", text).inbound),
        }),
    ]
}

fn outbox_write() -> impl Strategy<Value = Write> {
    let states = prop::collection::vec(outbox_state(), 0..3);
    let chats = || prop::sample::select(vec!["42", "43"]);
    prop_oneof![
        (name(), chats(), name(), outbox_state(), any::<[bool; 2]>(), of_session()).prop_map(
            |(id, to, of_run, state, [is_keyed, has_run], session)| {
                let mut new = outbox(id, to);
                new.state = state;
                new.idempotency_key = is_keyed.then(|| format!("outbox-{of_run}"));
                new.run_id = has_run.then(|| run(of_run));
                new.session_id = has_run.then(|| session_id(session));
                Write::Enqueue(Box::new(new))
            }
        ),
        (name(), states, outbox_state(), owner(), any::<[bool; 2]>(), millis()).prop_map(
            |(id, from, to, owner, [uncertain, replaces], now)| {
                let mut change = OutboxChange::new(outbox_id(id), from, to, at(now));
                change.owner = owner;
                change.uncertain = uncertain;
                change.outbound = replaces.then(|| -> Outbound { outbox(id, "room").outbound });
                change.next_attempt_at = replaces.then(|| at(now + 1));
                Write::ChangeOutbox(Box::new(change))
            }
        ),
        (chats(), chats()).prop_map(|(from, to)| Write::MigrateChat {
            channel_id: channel("telegram"),
            from: chat(from).chat_id,
            to: chat(to).chat_id,
        }),
    ]
}

fn other_write() -> impl Strategy<Value = Write> {
    let user = || prop::sample::select(vec!["7", "8"]);
    let key = || prop::sample::select(&RESOURCES[..]);
    let value = || prop::sample::select(vec!["1", "2"]);
    let holder = || prop::sample::select(vec!["one", "two"]);
    let ttl = || (1..20_u64).prop_map(Duration::from_secs);
    prop_oneof![
        (user(), prop::option::of(value()), millis()).prop_map(|(user, name, now)| {
            Write::UpsertUser(UserRow {
                channel_id: channel("telegram"),
                channel_user_id: user_id(user),
                global_user_id: name.map(ToOwned::to_owned),
                display_name: None,
                metadata: name.map(|name| serde_json::json!({ "name": name })),
                created_at: at(now),
            })
        }),
        (key(), value(), prop::option::of(prop::option::of(value()))).prop_map(
            |(key, value, expect)| Write::PutValue {
                key: key.to_owned(),
                value: value.to_owned(),
                expect: expect.map(|value| value.map(ToOwned::to_owned)),
            }
        ),
        key().prop_map(|key| Write::DeleteValue { key: key.to_owned() }),
        (user(), prop::sample::select(vec!["AAAA", "BBBB"]), millis()).prop_map(
            |(user, code, now)| Write::RequestPairing {
                channel_id: channel("telegram"),
                user_id: user_id(user),
                display_name: None,
                code: code.to_owned(),
                expires_at: at(now + 2_000),
                at: at(now),
            }
        ),
        (user(), any::<bool>(), millis()).prop_map(|(user, owner, now)| Write::ApprovePairing {
            channel_id: channel("telegram"),
            user_id: user_id(user),
            owner,
            at: at(now),
        }),
        user().prop_map(|user| Write::RemovePairing {
            channel_id: channel("telegram"),
            user_id: user_id(user),
        }),
        (key(), holder(), ttl()).prop_map(|(resource, owner, ttl)| Write::TakeLease {
            resource: resource.to_owned(),
            owner: owner.to_owned(),
            ttl,
        }),
        (holder(), key(), any::<bool>(), ttl()).prop_map(|(owner, name, is_one, ttl)| {
            let leases = if is_one {
                openclaw_storage::Leases::Of(name.to_owned())
            } else {
                openclaw_storage::Leases::Beginning(name.chars().take(1).collect())
            };
            Write::RenewLeases { owner: owner.to_owned(), leases, ttl }
        }),
        (key(), holder(), 1..4_i64).prop_map(|(resource, owner, fence)| {
            Write::ReleaseLease(Fence {
                resource: resource.to_owned(),
                owner: owner.to_owned(),
                fence,
            })
        }),
    ]
}

fn memory_write() -> impl Strategy<Value = Write> {
    let of = || prop::sample::select(vec!["main", "other"]).prop_map(agent);
    let source = || prop::sample::select(&MemorySource::ALL[..]);
    let path = || prop::sample::select(vec!["a.md", "b.md", "session-a", "session-b"]);
    let text = || prop::sample::select(&TEXTS[..]);
    let model = || prop::sample::select(vec!["m", "n"]);
    let texts = || prop::collection::vec(text(), 0..4);
    let written = prop_oneof![
        4 => (of(), source(), path(), 0..3_u32, texts(), 0..3_u64, millis()).prop_map(
            |(agent_id, source, path, from, texts, size, now)| {
                let modified_at = at(now);
                let file = MemoryFileRow { agent_id, source, size, modified_at, ..note(path) };
                let chunks = (1..).zip(texts).map(|(line, text)| piece(line, text)).collect();
                MemoryWrite::Index(Box::new(MemoryIndexing { file, from, chunks }))
            }
        ),
        1 => (of(), source(), prop::option::of(path())).prop_map(|(agent_id, source, path)| {
            MemoryWrite::Forget { agent_id, source, path: path.map(ToOwned::to_owned) }
        }),
        3 => (of(), model(), texts(), -9..9_i16).prop_map(|(agent_id, model, texts, number)| {
            let embedding = vec![f32::from(number), 0.5];
            let of = |text| MemoryVector { hash: format!("#{text}"), embedding: embedding.clone() };
            let vectors = texts.into_iter().map(of).collect();
            MemoryWrite::StoreVectors { agent_id, model: model.to_owned(), vectors }
        }),
        1 => (of(), prop::option::of(model())).prop_map(|(agent_id, keep)| {
            MemoryWrite::PruneVectors { agent_id, keep: keep.map(ToOwned::to_owned) }
        }),
    ];
    written.prop_map(Write::Memory)
}

fn batch() -> impl Strategy<Value = Batch> {
    let write = prop_oneof![
        3 => session_write(),
        4 => append(),
        1 => message_write(),
        3 => input_write(),
        3 => outbox_write(),
        3 => other_write(),
        2 => memory_write(),
    ];
    let fence = (prop::sample::select(&RESOURCES[..]), 1..3_i64).prop_map(|(resource, fence)| {
        Fence { resource: resource.to_owned(), owner: "one".to_owned(), fence }
    });
    let fences = prop_oneof![9 => Just(Vec::new()), 1 => fence.prop_map(|fence| vec![fence])];
    (fences, prop::collection::vec(write, 0..5))
        .prop_map(|(fences, writes)| Batch { fences, writes })
}

/// So that random writes find something to change.
fn seed() -> Batch {
    let lease = |resource: &str| Write::TakeLease {
        resource: resource.to_owned(),
        owner: "one".to_owned(),
        ttl: Duration::from_secs(15),
    };
    let mut batch = Batch::new();
    for name in ["a", "b"] {
        batch.push(Write::CreateSession(Box::new(session(name))));
    }
    for (session, name) in [("a", "1"), ("b", "2")] {
        batch.push(Write::Append(Box::new(entry(session, name))));
        batch.push(Write::AcceptInput(Box::new(input(session, name))));
        batch.push(Write::Enqueue(Box::new(outbox(name, "42"))));
    }
    for resource in RESOURCES {
        batch.push(lease(resource));
    }
    batch
}

/// An answer without the words of an engine. Positions only promise an order, and a server leaves
/// gaps: how many there are is compared here, their order in the image.
fn shown(result: Result<Applied, ApplyError>) -> String {
    match result {
        Ok(Applied { seqs, leases, positions }) => {
            format!("{seqs:?} {leases:?} {} positions", positions.len())
        }
        Err(ApplyError::Conflict(conflict)) => format!("{conflict:?}"),
        Err(ApplyError::Storage(error)) => panic!("{error:?}"),
    }
}

/// The image with each position as its rank among those of its table.
fn ranked(image: Vec<String>) -> Vec<String> {
    const MARK: &str = "position: ";
    let position = |after: &str| -> i64 {
        let digits = after.find(|char: char| !char.is_ascii_digit()).unwrap_or(after.len());
        after[..digits].parse().expect("a position")
    };
    let table = |before: &str| before.rfind("InboxRow {") > before.rfind("OutboxRow {");
    let mut present: [BTreeSet<i64>; 2] = Default::default();
    for line in &image {
        for (at, _) in line.match_indices(MARK) {
            let of = usize::from(table(&line[..at]));
            present[of].insert(position(&line[at + MARK.len()..]));
        }
    }
    let rank = |line: &String| {
        let (mut ranked, mut rest) = (String::new(), line.as_str());
        while let Some(at) = rest.find(MARK) {
            ranked.push_str(&rest[..at + MARK.len()]);
            rest = &rest[at + MARK.len()..];
            let number = position(rest);
            let of = usize::from(table(&ranked));
            ranked.push_str(&present[of].range(..number).count().to_string());
            rest = rest.trim_start_matches(|char: char| char.is_ascii_digit());
        }
        ranked + rest
    };
    image.iter().map(rank).collect()
}

/// An engine and what its observer heard.
struct Engine {
    storage: Box<dyn Storage>,
    told: Arc<Recorder>,
}

impl Engine {
    async fn apply(&self, batch: &Batch) -> (String, Vec<Committed>) {
        let answer = self.storage.apply(batch.clone()).await;
        (shown(answer), self.told.take())
    }
}

async fn engines(
    clock: &Arc<ManualClock>,
    folder: &tempfile::TempDir,
    server: &PostgresServer,
) -> [Engine; 3] {
    let told: [Arc<Recorder>; 3] = Default::default();
    let memory = MemoryStorage::new(clock.clone(), told[0].clone());
    let options =
        SqliteOptions::new(folder.path().join("openclaw.db")).with_synchronous(Synchronous::Off);
    let sqlite =
        SqliteStorage::open(options, clock.clone(), told[1].clone()).await.expect("it opens");
    let url = Secret::new(server.empty().expect("a place"));
    let mut options = PostgresOptions::new(&url).expect("an address");
    options.lease_clock = LeaseClock::Given;
    let postgres =
        PostgresStorage::open(options, clock.clone(), told[2].clone()).await.expect("it opens");
    let stores: [Box<dyn Storage>; 3] = [Box::new(memory), Box::new(sqlite), Box::new(postgres)];
    let mut told = told.into_iter();
    stores.map(|storage| Engine { storage, told: told.next().expect("one each") })
}

async fn compare(batches: Vec<Batch>, server: &PostgresServer) {
    let folder = tempfile::tempdir().expect("a folder");
    let clock = Arc::new(ManualClock::at(at(1_000)));
    let engines = engines(&clock, &folder, server).await;
    let universe = universe();
    for (index, batch) in std::iter::once(seed()).chain(batches).enumerate() {
        clock.advance(Duration::from_secs(2));
        let expected = engines[0].apply(&batch).await;
        for (number, engine) in engines.iter().enumerate().skip(1) {
            let found = engine.apply(&batch).await;
            assert_eq!(found, expected, "engine {number}, batch {index}: {batch:#?}");
        }
    }
    let expected = ranked(image(engines[0].storage.as_ref(), &universe).await);
    for (number, engine) in engines.iter().enumerate().skip(1) {
        let found = ranked(image(engine.storage.as_ref(), &universe).await);
        for (expected, found) in expected.iter().zip(&found) {
            assert_eq!(found, expected, "engine {number}");
        }
        assert_eq!(found.len(), expected.len());
        let findings = engine.storage.integrity().await.expect("read");
        assert_eq!(findings, Vec::<String>::new());
        engine.storage.close().await;
    }
}

#[test]
fn random_batches_leave_the_same_behind() {
    let server = PostgresServer::start().expect("a server");
    let config =
        ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() };
    proptest!(config, |(batches in prop::collection::vec(batch(), 1..60))| {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime");
        runtime.block_on(compare(batches, &server));
    });
}
