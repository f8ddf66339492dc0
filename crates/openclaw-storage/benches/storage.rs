//! What storing costs, in CPU time of the whole process: the engines' threads work too, and wall
//! time on a shared machine is noise.

use std::sync::Arc;
use std::time::Duration;

use criterion::measurement::{Measurement, ValueFormatter};
use criterion::{Criterion, Throughput};
use openclaw_core::{MessageContent, RunStatus, SessionContext, SystemClock, Usage};
use openclaw_storage::conformance::{
    at, channel, chat, entry, inbox_id, input, message_id, outbox, run, session, session_id,
    session_key,
};
use openclaw_storage::memory::MemoryStorage;
use openclaw_storage::rows::{InputState, SessionQuery, TranscriptKind, UserRow};
use openclaw_storage::sqlite::{SqliteOptions, SqliteStorage};
use openclaw_storage::{
    Batch, EventDraft, Fence, InputChange, NoObserver, SessionPatch, Storage, TranscriptDraft,
    Write,
};
use rustix::time::{ClockId, clock_gettime};
use tokio::runtime::Runtime;
use tokio_util::task::TaskTracker;

const SESSIONS: usize = 10_000;
const ACTIVE: usize = 500;
const HISTORY: usize = 200;
const OWNER: &str = "gateway";

/// CPU time of all threads, in nanoseconds.
struct CpuTime;

impl Measurement for CpuTime {
    type Intermediate = f64;
    type Value = f64;

    fn start(&self) -> f64 {
        let now = clock_gettime(ClockId::ProcessCPUTime);
        now.tv_sec as f64 * 1e9 + now.tv_nsec as f64
    }

    fn end(&self, start: f64) -> f64 {
        self.start() - start
    }

    fn add(&self, one: &f64, other: &f64) -> f64 {
        one + other
    }

    fn zero(&self) -> f64 {
        0.0
    }

    fn to_f64(&self, value: &f64) -> f64 {
        *value
    }

    fn formatter(&self) -> &dyn ValueFormatter {
        &Microseconds
    }
}

struct Microseconds;

impl ValueFormatter for Microseconds {
    fn scale_values(&self, _: f64, values: &mut [f64]) -> &'static str {
        values.iter_mut().for_each(|value| *value /= 1e3);
        "µs CPU"
    }

    fn scale_throughputs(&self, _: f64, _: &Throughput, values: &mut [f64]) -> &'static str {
        values.iter_mut().for_each(|value| *value /= 1e3);
        "µs CPU"
    }

    fn scale_for_machines(&self, _: &mut [f64]) -> &'static str {
        "ns"
    }
}

fn text(length: usize) -> String {
    "The quick brown fox jumps over the lazy dog. ".chars().cycle().take(length).collect()
}

fn active(number: usize) -> String {
    format!("s{}", number % ACTIVE)
}

fn patch(number: usize) -> SessionPatch {
    SessionPatch { last_activity_at: Some(at(10_000 + number as i64)), ..SessionPatch::default() }
}

/// What ingress stores of a message.
fn accept(number: usize) -> Batch {
    let (session, name) = (active(number), format!("{number:032}"));
    let mut said = entry(&session, &name);
    said.run_id = Some(run(&name));
    if let Some(message) = &mut said.message {
        message.content = MessageContent::text(text(120));
        message.sender = Some(input(&session, &name).inbound.sender);
        message.external_id = Some(openclaw_storage::conformance::external(&name));
    }
    let mut new = input(&session, &name);
    new.inbound.content = MessageContent::text(text(120));
    let user = UserRow {
        channel_id: channel("telegram"),
        channel_user_id: new.inbound.sender.id.clone(),
        global_user_id: None,
        display_name: new.inbound.sender.display_name.clone(),
        metadata: None,
        created_at: at(1),
    };
    Batch::new()
        .with(Write::Append(Box::new(said)))
        .with(Write::UpdateSession { id: session_id(&session), patch: patch(number) })
        .with(Write::AcceptInput(Box::new(new)))
        .with(Write::UpsertUser(user))
}

fn fence(session: &str) -> Fence {
    let resource = format!("lane:{}", session_key(session));
    Fence { resource, owner: OWNER.to_owned(), fence: 1 }
}

/// What a lane stores when its turn begins.
fn begin(number: usize) -> Batch {
    let (session, name) = (active(number), format!("{number:032}"));
    let mut started = entry(&session, &name);
    started.message = None;
    started.run_id = Some(run(&name));
    started.transcript = Some(TranscriptDraft {
        kind: TranscriptKind::User,
        message_id: Some(message_id(&name)),
        data: serde_json::json!({"content": [{"type": "text", "text": text(200)}]}),
    });
    started.event = Some(EventDraft {
        topic: "agent.started",
        message_id: None,
        data: Some(serde_json::json!({"model": "openai/gpt-5"})),
    });
    let mut change = InputChange::new(
        inbox_id(&name),
        vec![InputState::Waiting, InputState::Running],
        InputState::Running,
        RunStatus::Running,
        at(3_000),
    );
    change.owner = Some((OWNER.to_owned(), 1));
    Batch::new()
        .fenced(fence(&session))
        .with(Write::ChangeInput(Box::new(change)))
        .with(Write::Append(Box::new(started)))
}

/// What a lane stores when its turn ends.
fn finish(number: usize) -> Batch {
    let (session, name) = (active(number), format!("{number:032}"));
    let reply = format!("reply-{name}");
    let mut answered = entry(&session, &reply);
    answered.run_id = Some(run(&name));
    if let Some(message) = &mut answered.message {
        message.content = MessageContent::text(text(400));
    }
    answered.transcript = Some(TranscriptDraft {
        kind: TranscriptKind::Assistant,
        message_id: Some(message_id(&reply)),
        data: serde_json::json!({"content": [{"type": "text", "text": text(400)}]}),
    });
    let mut done = entry(&session, &reply);
    done.message = None;
    done.run_id = Some(run(&name));
    done.event =
        Some(EventDraft { topic: "agent.done", message_id: Some(message_id(&reply)), data: None });
    let usage = Usage { input_tokens: 1_000, output_tokens: 100, ..Usage::default() };
    let mut change = InputChange::new(
        inbox_id(&name),
        vec![InputState::Running],
        InputState::Answered,
        RunStatus::Done,
        at(4_000),
    );
    change.reply = Some(text(400));
    change.usage = Some(usage);
    change.delivered = Some(true);
    let mut row = outbox(&name, &session);
    row.session_id = Some(session_id(&session));
    row.session_key = Some(session_key(&session));
    row.run_id = Some(run(&name));
    row.message_id = Some(message_id(&reply));
    let patch = SessionPatch {
        context: Some(SessionContext { usage, runs: number as u64, ..SessionContext::default() }),
        ..patch(number)
    };
    Batch::new()
        .fenced(fence(&session))
        .with(Write::Append(Box::new(answered)))
        .with(Write::Append(Box::new(done)))
        .with(Write::ChangeInput(Box::new(change)))
        .with(Write::Enqueue(Box::new(row)))
        .with(Write::UpdateSession { id: session_id(&session), patch })
}

async fn fill(storage: &dyn Storage) {
    for first in (0..SESSIONS).step_by(100) {
        let mut batch = Batch::new();
        for number in first..first + 100 {
            let mut session = session(&format!("s{number}"));
            session.last_activity_at = at(number as i64);
            session.label = Some(text(30));
            batch.push(Write::CreateSession(Box::new(session)));
        }
        storage.apply(batch).await.expect("accepted");
    }
    for number in 0..ACTIVE {
        let lease = Write::TakeLease {
            resource: fence(&active(number)).resource,
            owner: OWNER.to_owned(),
            ttl: Duration::from_secs(3_600),
        };
        storage.apply(Batch::new().with(lease)).await.expect("accepted");
    }
    for number in 0..HISTORY {
        let mut said = entry("s9999", &format!("old-{number}"));
        if let Some(message) = &mut said.message {
            message.content = MessageContent::text(text(300));
            message.chat = chat("1");
        }
        let batch = Batch::new().with(Write::Append(Box::new(said)));
        storage.apply(batch).await.expect("accepted");
    }
}

/// Runs a measurement where callers of a store run: in a task of the runtime.
fn within<F: Future<Output = f64> + Send + 'static>(runtime: &Runtime, measured: F) -> f64 {
    let tasks = TaskTracker::new();
    runtime.block_on(tasks.spawn_on(measured, runtime.handle())).expect("the task ends")
}

fn bench_reads<F, R>(
    criterion: &mut Criterion<CpuTime>,
    runtime: &Runtime,
    (engine, name, storage): (&str, &str, &Arc<dyn Storage>),
    read: F,
) where
    F: Fn(Arc<dyn Storage>) -> R + Clone + Send + 'static,
    R: Future<Output = ()> + Send,
{
    criterion.bench_function(&format!("{engine}/{name}"), |bencher| {
        bencher.iter_custom(|iterations| {
            let (storage, read) = (Arc::clone(storage), read.clone());
            within(runtime, async move {
                let start = CpuTime.start();
                for _ in 0..iterations {
                    read(Arc::clone(&storage)).await;
                }
                CpuTime.end(start)
            })
        });
    });
}

fn bench_engine(
    criterion: &mut Criterion<CpuTime>,
    runtime: &Runtime,
    (engine, storage): (&str, &Arc<dyn Storage>),
) {
    let mut turns = 0;
    for measured in ["accept", "begin", "finish"] {
        criterion.bench_function(&format!("{engine}/{measured}"), |bencher| {
            bencher.iter_custom(|iterations| {
                let (storage, first) = (Arc::clone(storage), turns);
                turns += iterations as usize;
                within(runtime, async move {
                    let mut total = 0.0;
                    for number in first..first + iterations as usize {
                        let steps = [accept(number), begin(number), finish(number)];
                        for (step, batch) in ["accept", "begin", "finish"].into_iter().zip(steps) {
                            let start = CpuTime.start();
                            storage.apply(batch).await.expect("accepted");
                            if step == measured {
                                total += CpuTime.end(start);
                            }
                        }
                    }
                    total
                })
            });
        });
    }
    bench_reads(criterion, runtime, (engine, "history of 50", storage), |storage| async move {
        let read = storage.messages_before(&session_id("s9999"), None, 50).await;
        assert_eq!(read.expect("read").len(), 50);
    });
    bench_reads(criterion, runtime, (engine, "list 50 of 10,000", storage), |storage| async move {
        let query = SessionQuery { limit: 50, ..SessionQuery::default() };
        let read = storage.list_sessions(&query).await;
        assert_eq!(read.expect("read").items.len(), 50);
    });
    bench_reads(criterion, runtime, (engine, "one session", storage), |storage| async move {
        let read = storage.session_by_key(&session_key("s77")).await;
        assert!(read.expect("read").is_some());
    });
}

fn main() {
    let mut criterion = Criterion::default()
        .with_measurement(CpuTime)
        .sample_size(20)
        .measurement_time(Duration::from_secs(3))
        .warm_up_time(Duration::from_millis(500))
        .configure_from_args();
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder");
    let runtime = Runtime::new().expect("a runtime");
    let memory: Arc<dyn Storage> =
        Arc::new(MemoryStorage::new(Arc::new(SystemClock), Arc::new(NoObserver)));
    let options = SqliteOptions::new(folder.path().join("openclaw.db"));
    let sqlite: Arc<dyn Storage> = Arc::new(
        runtime
            .block_on(SqliteStorage::open(options, Arc::new(SystemClock), Arc::new(NoObserver)))
            .expect("the file opens"),
    );
    for (engine, storage) in [("memory", memory), ("sqlite", sqlite)] {
        runtime.block_on(fill(storage.as_ref()));
        bench_engine(&mut criterion, &runtime, (engine, &storage));
        runtime.block_on(storage.close());
    }
    criterion.final_summary();
}
