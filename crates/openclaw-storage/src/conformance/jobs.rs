//! Jobs and the receipts of their runs.

use openclaw_core::{AgentId, JobId, Timestamp};
use serde_json::json;

use super::{Fixture, at, run, session_id, session_key};
use crate::rows::{JobRow, JobRunRow, JobRunStatus};
use crate::{ApplyError, Batch, Conflict, Write};

fn job_id(name: &str) -> JobId {
    JobId::new(format!("job-{name}")).expect("a job id")
}

/// A job that is due at this moment.
fn job(name: &str, due_at: Option<Timestamp>) -> JobRow {
    JobRow {
        id: job_id(name),
        agent_id: AgentId::main(),
        kind: "cron".to_owned(),
        data: json!({ "message": "say \u{0} something" }),
        state: json!({}),
        due_at,
        owner: None,
        fence: 1,
        created_at: at(1_000),
        updated_at: at(1_000),
    }
}

/// The receipt of a run that was begun.
fn begun(name: &str, slot: i64) -> JobRunRow {
    JobRunRow {
        job_id: job_id(name),
        slot: at(slot),
        run_id: Some(run(&format!("{name}-{slot}"))),
        session_key: Some(session_key(name)),
        session_id: None,
        status: JobRunStatus::Running,
        data: json!({}),
        owner: "one".to_owned(),
        started_at: at(slot + 1),
        finished_at: None,
    }
}

fn put(job: &JobRow, expect: Option<i64>) -> Write {
    Write::PutJob { job: Box::new(job.clone()), expect }
}

fn start(run: &JobRunRow) -> Write {
    Write::StartJobRun(Box::new(run.clone()))
}

fn changed(name: &str) -> Conflict {
    let (id, actual) = (job_id(name).into_string(), "another than it was".to_owned());
    Conflict::StateChanged { what: "job", id, actual }
}

/// All columns.
pub async fn a_job_is_read_as_it_was_written(store: &Fixture) {
    let written = JobRow { owner: Some("one".to_owned()), ..job("a", Some(at(5_000))) };
    store.apply([put(&written, None)]).await;
    assert_eq!(store.storage.job(&job_id("a")).await.expect("read"), Some(written.clone()));
    assert_eq!(store.storage.job(&job_id("b")).await.expect("read"), None);
    assert_eq!(store.refused([put(&written, None)]).await, changed("a"));
    assert_eq!(store.storage.jobs(10).await.expect("read"), [written]);
    store.apply([Write::DeleteJob { id: job_id("a") }]).await;
    assert_eq!(store.storage.jobs(10).await.expect("read"), []);
    let missing = Conflict::Missing { what: "job", id: "job-a".to_owned() };
    assert_eq!(store.refused([Write::DeleteJob { id: job_id("a") }]).await, missing);
}

/// A change that was made on what is not there any more is refused.
pub async fn a_job_is_changed_only_on_its_fence(store: &Fixture) {
    let first = job("a", None);
    store.apply([put(&first, None)]).await;
    let second = JobRow {
        data: json!({ "message": "else" }),
        state: json!({ "errors": 2 }),
        due_at: Some(at(9_000)),
        created_at: at(7),
        updated_at: at(2_000),
        ..first.clone()
    };
    store.apply([put(&second, Some(1))]).await;
    let expected = JobRow { fence: 2, created_at: at(1_000), ..second.clone() };
    assert_eq!(store.storage.job(&job_id("a")).await.expect("read"), Some(expected));
    assert_eq!(store.refused([put(&second, Some(1))]).await, changed("a"));
    let missing = Conflict::Missing { what: "job", id: "job-b".to_owned() };
    assert_eq!(store.refused([put(&job("b", None), Some(1))]).await, missing);
}

/// By when they are due, then by id; those that are never due are not.
pub async fn due_jobs_are_found_in_order(store: &Fixture) {
    let jobs = [
        job("late", Some(at(3_000))),
        job("b", Some(at(1_000))),
        job("a", Some(at(1_000))),
        job("never", None),
    ];
    store.apply(jobs.iter().map(|job| put(job, None))).await;
    let due = async |now: i64, limit: u32| {
        let due = store.storage.due_jobs(at(now), limit).await.expect("read");
        due.into_iter().map(|job| job.id.into_string()).collect::<Vec<_>>()
    };
    assert_eq!(due(999, 10).await, Vec::<String>::new());
    assert_eq!(due(2_999, 10).await, ["job-a", "job-b"]);
    assert_eq!(due(3_000, 10).await, ["job-a", "job-b", "job-late"]);
    assert_eq!(due(3_000, 1).await, ["job-a"]);
    let next = async |after: i64| store.storage.next_due_job(at(after)).await.expect("read");
    assert_eq!(next(0).await, Some(at(1_000)));
    assert_eq!(next(1_000).await, Some(at(3_000)));
    assert_eq!(next(3_000).await, None);
}

/// Whatever becomes of it.
pub async fn a_slot_has_one_receipt(store: &Fixture) {
    let first = begun("a", 1_000);
    store.apply([start(&first)]).await;
    let stored = store.storage.job_run(&job_id("a"), at(1_000)).await.expect("read");
    assert_eq!(stored, Some(first.clone()));
    let is = |status: &str| Conflict::StateChanged {
        what: "job run",
        id: format!("job-a at {}", at(1_000)),
        actual: status.to_owned(),
    };
    assert_eq!(store.refused([start(&first)]).await, is("running"));
    let ended =
        JobRunRow { status: JobRunStatus::Ok, finished_at: Some(at(2_000)), ..first.clone() };
    store.apply([Write::EndJobRun(Box::new(ended))]).await;
    assert_eq!(store.refused([start(&first)]).await, is("ok"));
    let skipped = JobRunRow {
        run_id: None,
        session_key: None,
        status: JobRunStatus::Skipped,
        finished_at: Some(at(5_000)),
        ..begun("a", 4_000)
    };
    store.apply([start(&skipped), start(&begun("b", 1_000))]).await;
    let runs = store.storage.job_runs(&job_id("a"), 10).await.expect("read");
    let slots: Vec<_> = runs.iter().map(|run| (run.slot, run.status)).collect();
    assert_eq!(slots, [(at(4_000), JobRunStatus::Skipped), (at(1_000), JobRunStatus::Ok)]);
    assert_eq!(store.storage.job_runs(&job_id("a"), 1).await.expect("read"), [skipped]);
}

/// What its end says is kept, and a second end is refused.
pub async fn a_run_ends_once(store: &Fixture) {
    let (first, second) = (begun("a", 1_000), begun("b", 500));
    store.apply([start(&first), start(&second)]).await;
    let open = store.storage.open_job_runs(10).await.expect("read");
    assert_eq!(open, [second.clone(), first.clone()]);
    let ended = JobRunRow {
        session_id: Some(session_id("a")),
        status: JobRunStatus::Error,
        data: json!({ "error": "no" }),
        finished_at: Some(at(9_000)),
        ..first.clone()
    };
    let end = || Write::EndJobRun(Box::new(ended.clone()));
    store.apply([end()]).await;
    assert_eq!(store.storage.open_job_runs(10).await.expect("read"), [second]);
    let stored = store.storage.job_run(&job_id("a"), at(1_000)).await.expect("read");
    assert_eq!(stored, Some(ended.clone()));
    let refused = store.refused([end()]).await;
    assert!(matches!(refused, Conflict::StateChanged { what: "job run", .. }), "{refused}");
    let unknown = Write::EndJobRun(Box::new(begun("c", 1)));
    let refused = store.refused([unknown]).await;
    assert!(matches!(refused, Conflict::Missing { what: "job run", .. }), "{refused}");
}

/// First the session of a run goes, then the receipt.
pub async fn receipts_outlive_their_job_until_they_are_pruned(store: &Fixture) {
    let kept = JobRunRow {
        session_id: Some(session_id("a")),
        status: JobRunStatus::Ok,
        finished_at: Some(at(2_000)),
        ..begun("a", 1_000)
    };
    store.apply([put(&job("a", None), None), start(&kept), start(&begun("a", 3_000))]).await;
    store.apply([Write::DeleteJob { id: job_id("a") }]).await;
    let with_sessions = async |before: i64| {
        store.storage.job_runs_with_sessions(at(before), 10).await.expect("read")
    };
    assert_eq!(with_sessions(2_000).await, []);
    assert_eq!(with_sessions(2_001).await, [kept]);
    let slots = async || {
        let runs = store.storage.job_runs(&job_id("a"), 10).await.expect("read");
        runs.into_iter().map(|run| run.slot.as_millis()).collect::<Vec<_>>()
    };
    store.apply([Write::PruneJobRuns { before: at(10_000) }]).await;
    assert_eq!(slots().await, [3_000, 1_000]);
    let (job_id, slot) = (job_id("a"), at(1_000));
    store.apply([Write::ForgetJobSession { job_id, slot }]).await;
    assert_eq!(with_sessions(2_001).await, []);
    store.apply([Write::PruneJobRuns { before: at(2_000) }]).await;
    assert_eq!(slots().await, [3_000, 1_000]);
    store.apply([Write::PruneJobRuns { before: at(2_001) }]).await;
    assert_eq!(slots().await, [3_000]);
}

/// Both read the same job and want to begin the same slot.
pub async fn one_of_two_gateways_begins_a_slot(store: &Fixture) {
    store.apply([put(&job("a", Some(at(1_000))), None)]).await;
    let begin = |owner: &str| {
        let moved = JobRow { owner: Some(owner.to_owned()), ..job("a", Some(at(2_000))) };
        let receipt = JobRunRow { owner: owner.to_owned(), ..begun("a", 1_000) };
        Batch::new().with(put(&moved, Some(1))).with(start(&receipt))
    };
    let (one, two) =
        tokio::join!(store.storage.apply(begin("one")), store.storage.apply(begin("two")));
    let refused = [&one, &two]
        .into_iter()
        .filter(|answer| matches!(answer, Err(ApplyError::Conflict(_))))
        .count();
    assert!(refused == 1 && (one.is_ok() || two.is_ok()), "{one:?} {two:?}");
    let winner = if one.is_ok() { "one" } else { "two" };
    let runs = store.storage.job_runs(&job_id("a"), 10).await.expect("read");
    assert_eq!(runs.iter().map(|run| run.owner.as_str()).collect::<Vec<_>>(), [winner]);
    let stored = store.storage.job(&job_id("a")).await.expect("read").expect("there");
    assert_eq!((stored.fence, stored.owner.as_deref()), (2, Some(winner)));
}
