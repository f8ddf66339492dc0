//! When jobs are due, whatever clocks do.

use jiff::tz::TimeZone;
use openclaw_agents::schedule::{
    Afterwards, CatchUp, Delivery, DeliveryMode, Due, Job, JobPatch, JobSpec, JobState,
    Occurrences, Payload, RunResult, Schedule, Target, Trigger, WakeAt, look_at,
};
use openclaw_core::{AgentId, JobId, Timestamp};
use proptest::prelude::*;
use serde_json::{Value, json};
use std::time::Duration;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

fn at(text: &str) -> Timestamp {
    Timestamp::parse_rfc3339(text).expect("a moment")
}

fn id() -> JobId {
    JobId::new("job-1").expect("valid")
}

fn cron(expr: &str, tz: &str) -> Schedule {
    Schedule::Cron { expr: expr.to_owned(), tz: Some(tz.to_owned()), stagger_ms: 0 }
}

fn of(schedule: &Schedule) -> Occurrences {
    Occurrences::of(schedule, &id(), &TimeZone::UTC).expect("a schedule")
}

/// The next so many moments after this one.
fn next(schedule: &Schedule, after: &str, count: usize) -> Vec<String> {
    let occurrences = of(schedule);
    let mut moment = at(after);
    let mut found = Vec::new();
    for _ in 0..count {
        moment = occurrences.after(moment).expect("a moment").expect("one more");
        found.push(moment.to_string());
    }
    found
}

fn job(schedule: Schedule, cursor: Timestamp, catch_up: CatchUp) -> Job {
    Job {
        id: id(),
        agent_id: AgentId::main(),
        spec: JobSpec {
            name: "job".to_owned(),
            description: None,
            enabled: true,
            delete_after_run: schedule.is_once(),
            schedule,
            target: Target::Isolated,
            wake: WakeAt::Now,
            payload: Payload::AgentTurn {
                message: "hello".to_owned(),
                model: None,
                thinking: None,
                timeout_seconds: None,
            },
            delivery: Delivery {
                mode: DeliveryMode::None,
                channel: None,
                to: None,
                best_effort: false,
            },
            catch_up,
            origin: None,
        },
        state: JobState { cursor, ..JobState::default() },
        due_at: None,
        owner: None,
        fence: 1,
        created_at: cursor,
        updated_at: cursor,
    }
}

fn look(job: &Job, now: Timestamp) -> (Due, Option<Timestamp>) {
    let agenda = look_at(job, &of(&job.spec.schedule), now).expect("an agenda");
    (agenda.due, agenda.next)
}

/// Runs all that is due at this moment; answers the moments and how many before them were missed.
fn run_all(job: &mut Job, now: Timestamp) -> Vec<(String, u32)> {
    let mut ran = Vec::new();
    while let Due::Run { slot, trigger, missed } = look(job, now).0 {
        job.begun(slot, trigger, now, "one");
        assert_eq!(job.ended(None, now, trigger), Afterwards::Kept);
        ran.push((slot.to_string(), missed));
        assert!(ran.len() <= 1_000, "it never ends");
    }
    ran
}

#[test]
fn an_hour_that_is_skipped_moves_what_is_due_in_it_to_its_end() {
    // In Berlin 02:00 is followed by 03:00 on 29 March 2026.
    let daily = cron("30 2 * * *", "Europe/Berlin");
    let expected =
        ["2026-03-28T01:30:00.000Z", "2026-03-29T01:00:00.000Z", "2026-03-30T00:30:00.000Z"];
    assert_eq!(next(&daily, "2026-03-27T12:00:00Z", 3), expected);
    let often = cron("*/30 * * * *", "Europe/Berlin");
    let expected =
        ["2026-03-29T00:30:00.000Z", "2026-03-29T01:00:00.000Z", "2026-03-29T01:30:00.000Z"];
    assert_eq!(next(&often, "2026-03-29T00:00:00Z", 3), expected);
}

#[test]
fn an_hour_that_comes_twice_makes_a_fixed_time_due_once() {
    // In Berlin 03:00 is followed by 02:00 on 25 October 2026.
    let daily = cron("30 2 * * *", "Europe/Berlin");
    let expected =
        ["2026-10-24T00:30:00.000Z", "2026-10-25T00:30:00.000Z", "2026-10-26T01:30:00.000Z"];
    assert_eq!(next(&daily, "2026-10-23T12:00:00Z", 3), expected);
    let often = cron("*/30 * * * *", "Europe/Berlin");
    let expected = [
        "2026-10-25T00:30:00.000Z",
        "2026-10-25T01:00:00.000Z",
        "2026-10-25T01:30:00.000Z",
        "2026-10-25T02:00:00.000Z",
    ];
    assert_eq!(next(&often, "2026-10-25T00:00:00Z", 4), expected);
    let mut job = job(daily, at("2026-10-24T12:00:00Z"), CatchUp::Once);
    assert_eq!(run_all(&mut job, at("2026-10-25T00:30:05Z")).len(), 1);
    assert_eq!(run_all(&mut job, at("2026-10-25T01:30:05Z")).len(), 0, "it has run");
}

#[test]
fn a_machine_that_slept_for_three_days_makes_up_as_it_was_asked_to() {
    let hourly = cron("0 * * * *", "UTC");
    let (began, woke) = (at("2026-02-01T00:10:00Z"), at("2026-02-04T00:10:00Z"));
    let mut once = job(hourly.clone(), began, CatchUp::Once);
    assert_eq!(run_all(&mut once, woke), [("2026-02-04T00:00:00.000Z".to_owned(), 71)]);
    let (due, next) = look(&once, woke);
    assert_eq!((due, next), (Due::Nothing, Some(at("2026-02-04T01:00:00Z"))));

    let mut all = job(hourly.clone(), began, CatchUp::All);
    let ran = run_all(&mut all, woke);
    assert_eq!(ran.len(), 72);
    assert_eq!(ran[0], ("2026-02-01T01:00:00.000Z".to_owned(), 0));
    assert_eq!(ran[71], ("2026-02-04T00:00:00.000Z".to_owned(), 0));

    let mut skip = job(hourly, began, CatchUp::Skip);
    let (due, _) = look(&skip, woke);
    assert_eq!(due, Due::Skip { slot: at("2026-02-04T00:00:00Z"), missed: 72 });
    skip.skipped(at("2026-02-04T00:00:00Z"));
    assert_eq!(skip.state.last_result, Some(RunResult::Skipped));
    assert_eq!(look(&skip, woke), (Due::Nothing, Some(at("2026-02-04T01:00:00Z"))));
    let due = look(&skip, at("2026-02-04T01:00:02Z")).0;
    assert!(matches!(due, Due::Run { .. }), "what is not late is run: {due:?}");
}

#[test]
fn no_more_than_a_hundred_are_made_up_for() {
    let every = Schedule::Every { every_ms: 60_000, anchor: at("2026-02-01T00:00:00Z") };
    let mut job = job(every, at("2026-02-01T00:00:00Z"), CatchUp::All);
    let ran = run_all(&mut job, at("2026-02-02T00:00:00Z"));
    assert_eq!(ran.len(), 100);
    assert_eq!(ran[0].0, "2026-02-01T22:21:00.000Z");
    assert!(ran[0].1 >= 500, "the rest is told as missed: {}", ran[0].1);
    assert_eq!(ran[99].0, "2026-02-02T00:00:00.000Z");
}

#[test]
fn a_clock_that_is_put_back_runs_nothing_twice() {
    let every = Schedule::Every { every_ms: 600_000, anchor: at("2026-02-01T00:00:00Z") };
    let mut job = job(every, at("2026-02-01T00:00:00Z"), CatchUp::Once);
    assert_eq!(run_all(&mut job, at("2026-02-01T01:00:00Z")).len(), 1);
    for minute in 0..60 {
        let back = at("2026-02-01T00:00:00Z").plus(Duration::from_secs(minute * 60));
        assert_eq!(look(&job, back), (Due::Nothing, Some(at("2026-02-01T01:10:00Z"))));
    }
    assert_eq!(run_all(&mut job, at("2026-02-01T01:10:00Z")).len(), 1);
}

#[test]
fn a_clock_that_was_years_ahead_is_not_waited_for() {
    let every = Schedule::Every { every_ms: 600_000, anchor: at("2026-02-01T00:00:00Z") };
    let mut job = job(every, at("2099-01-01T00:00:00Z"), CatchUp::Once);
    job.state.not_before = Some(at("2099-01-01T00:00:00Z"));
    assert!(job.believe(at("2026-02-01T00:05:00Z")));
    let (due, next) = look(&job, at("2026-02-01T00:05:00Z"));
    assert_eq!((due, next), (Due::Nothing, Some(at("2026-02-01T00:10:00Z"))));
    assert_eq!(run_all(&mut job, at("2026-02-01T00:10:00Z")).len(), 1);
}

#[test]
fn a_run_at_work_holds_the_next_one() {
    let every = Schedule::Every { every_ms: 60_000, anchor: at("2026-02-01T00:00:00Z") };
    let mut job = job(every, at("2026-02-01T00:00:00Z"), CatchUp::Once);
    let now = at("2026-02-01T00:01:00Z");
    job.begun(now, Trigger::Schedule, now, "one");
    let later = at("2026-02-01T00:09:30Z");
    assert_eq!(look(&job, later), (Due::Nothing, None));
    job.ended(None, later, Trigger::Schedule);
    let slot = at("2026-02-01T00:09:00Z");
    let expected = Due::Run { slot, trigger: Trigger::Schedule, missed: 7 };
    assert_eq!(look(&job, later).0, expected);
}

#[test]
fn a_recurring_job_that_fails_pauses_longer_each_time() {
    let every = Schedule::Every { every_ms: 10_000, anchor: at("2026-02-01T00:00:00Z") };
    let mut job = job(every, at("2026-02-01T00:00:00Z"), CatchUp::Once);
    let mut now = at("2026-02-01T00:00:10Z");
    let mut pauses = Vec::new();
    for _ in 0..7 {
        let Due::Run { slot, trigger, .. } = look(&job, now).0 else { panic!("it is due") };
        job.begun(slot, trigger, now, "one");
        assert_eq!(job.ended(Some("no"), now, trigger), Afterwards::Kept);
        let (due, next) = look(&job, now);
        assert_eq!(due, Due::Nothing);
        let again = next.expect("it goes on");
        pauses.push(again.since(now).as_secs());
        now = again;
    }
    assert_eq!(pauses, [30, 60, 300, 900, 3_600, 3_600, 3_600]);
    assert_eq!(job.state.consecutive_errors, 7);
    assert_eq!(run_all(&mut job, now).len(), 1);
    assert_eq!((job.state.consecutive_errors, job.state.not_before), (0, None));
}

#[test]
fn what_is_due_once_is_tried_again_and_then_given_up() {
    let moment = at("2026-02-01T00:00:00Z");
    let before = moment.minus(Duration::from_millis(1));
    let mut job = job(Schedule::At { at: moment }, before, CatchUp::Once);
    assert_eq!(look(&job, before), (Due::Nothing, Some(moment)));
    let mut now = moment;
    let mut triggers = Vec::new();
    for _ in 0..4 {
        let Due::Run { slot, trigger, .. } = look(&job, now).0 else { panic!("it is due") };
        triggers.push(trigger);
        job.begun(slot, trigger, now, "one");
        job.ended(Some("the model is overloaded"), now, trigger);
        now = look(&job, now).1.unwrap_or(now);
    }
    assert_eq!(triggers[0], Trigger::Schedule);
    assert_eq!(triggers[1..], [Trigger::Retry, Trigger::Retry, Trigger::Retry]);
    assert!(!job.spec.enabled);
    assert_eq!(job.state.disabled_reason.as_deref(), Some("it failed 4 times"));
    assert_eq!(look(&job, now.plus(DAY)), (Due::Nothing, None));
}

#[test]
fn what_was_due_once_goes_when_it_ended_well() {
    let moment = at("2026-02-01T00:00:00Z");
    let mut once = job(Schedule::At { at: moment }, at("2026-01-31T00:00:00Z"), CatchUp::Once);
    let woke = moment.plus(3 * DAY);
    assert!(matches!(look(&once, woke).0, Due::Run { .. }), "it is made up for");
    once.begun(moment, Trigger::Schedule, woke, "one");
    assert_eq!(once.ended(None, woke, Trigger::Schedule), Afterwards::Deleted);
    let mut kept = job(Schedule::At { at: moment }, at("2026-01-31T00:00:00Z"), CatchUp::Once);
    kept.spec.delete_after_run = false;
    kept.begun(moment, Trigger::Schedule, woke, "one");
    assert_eq!(kept.ended(None, woke, Trigger::Schedule), Afterwards::Kept);
    assert!(!kept.spec.enabled);
}

#[test]
fn a_schedule_that_cannot_be_understood_is_switched_off_after_three_times() {
    let mut job = job(cron("0 0 * * *", "UTC"), at("2026-02-01T00:00:00Z"), CatchUp::Once);
    let now = at("2026-02-01T00:00:00Z");
    for _ in 0..2 {
        job.schedule_failed("no zone", now);
        assert!(job.spec.enabled && job.due_at.is_some());
    }
    job.schedule_failed("no zone", now);
    assert!(!job.spec.enabled && job.due_at.is_none());
    assert_eq!(job.state.disabled_reason.as_deref(), Some("its schedule fails: no zone"));
}

#[test]
fn what_is_no_schedule_is_refused_with_what_is_allowed() {
    let refused = |schedule: Schedule| {
        Occurrences::of(&schedule, &id(), &TimeZone::UTC).expect_err("refused").to_string()
    };
    assert!(refused(cron("61 * * * *", "UTC")).starts_with("schedule.expr: is no cron expression"));
    assert!(refused(cron("* * *", "UTC")).contains("5 fields"));
    assert!(refused(cron("0 0 * * *", "Mars/Olympus")).contains("IANA name"));
    let every = Schedule::Every { every_ms: 10, anchor: at("2026-02-01T00:00:00Z") };
    assert_eq!(refused(every), "schedule.every_ms: must be at least 1,000 (1 s)");
    let never = of(&cron("0 0 30 2 *", "UTC")).after(at("2026-02-01T00:00:00Z"));
    assert!(never.expect_err("never").to_string().contains("is never due"));
}

#[test]
fn what_models_and_programs_write_is_understood() {
    let now = at("2026-02-01T10:00:00Z");
    let read = |value: Value| {
        let object = value.as_object().expect("an object").clone();
        JobPatch::read(&object, now, &TimeZone::UTC)
    };
    let camel = read(json!({
        "name": "t", "schedule": {"kind": "every", "everyMs": 3_600_000}, "wakeMode": "next-heartbeat",
        "sessionTarget": "isolated", "deleteAfterRun": false,
        "payload": {"kind": "agentTurn", "message": "hi", "timeoutSeconds": 30},
        "delivery": {"mode": "announce", "channel": "telegram", "to": "42", "bestEffort": true},
    }));
    let snake = read(json!({
        "name": "t", "schedule": {"kind": "every", "every_ms": 3_600_000}, "wake_mode": "next_heartbeat",
        "session_target": "isolated", "delete_after_run": false,
        "payload": {"kind": "agent_turn", "message": "hi", "timeout_seconds": 30},
        "delivery": {"mode": "announce", "channel": "telegram", "to": "42", "best_effort": true},
    }));
    assert_eq!(camel.expect("read"), snake.expect("read"));
    let loose = read(json!({"at": "20m", "message": "hi"})).expect("read");
    assert_eq!(loose.schedule, Some(Schedule::At { at: at("2026-02-01T10:20:00Z") }));
    assert_eq!(loose.payload.expect("said").is_event, Some(false));
    let older = read(json!({"payload": {"kind": "agentTurn", "message": "x", "deliver": true}}));
    let delivery = older.expect("read").delivery.expect("sent");
    assert_eq!(delivery.mode, Some(DeliveryMode::Announce));
    let refused = read(json!({"schedule": {"kind": "at", "at": "soon"}})).expect_err("refused");
    assert!(refused.to_string().starts_with("schedule.at: must be a moment"), "{refused}");
}

fn schedules() -> impl Strategy<Value = Schedule> {
    let minute = prop_oneof![Just("*".to_owned()), (0..60_u32).prop_map(|m| m.to_string())];
    let minute = prop_oneof![minute, (2..30_u32).prop_map(|step| format!("*/{step}"))];
    let hour = prop_oneof![Just("*".to_owned()), (0..24_u32).prop_map(|h| h.to_string())];
    let day = prop_oneof![Just("*".to_owned()), (1..29_u32).prop_map(|d| d.to_string())];
    let weekday = prop_oneof![Just("*".to_owned()), (0..7_u32).prop_map(|d| d.to_string())];
    let zone = prop_oneof![
        Just("UTC"),
        Just("Europe/Berlin"),
        Just("America/New_York"),
        Just("Australia/Lord_Howe"),
        Just("Asia/Kolkata"),
    ];
    let crons = (minute, hour, day, weekday, zone)
        .prop_map(|(m, h, d, w, zone)| cron(&format!("{m} {h} {d} * {w}"), zone));
    let every = (1_000..10_000_000_u64, 0..1_000_000_000_000_i64).prop_map(|(every_ms, anchor)| {
        Schedule::Every { every_ms, anchor: Timestamp::from_millis(anchor) }
    });
    prop_oneof![crons, every]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn the_next_moment_is_later_and_nothing_is_between(
        schedule in schedules(),
        millis in 1_600_000_000_000_i64..1_900_000_000_000,
    ) {
        let occurrences = of(&schedule);
        let now = Timestamp::from_millis(millis);
        let first = occurrences.after(now).expect("a moment").expect("recurring");
        let second = occurrences.after(first).expect("a moment").expect("recurring");
        prop_assert!(now < first && first < second, "{now} {first} {second}");
        // Seen from any moment on the way, the same one is next.
        let between = Timestamp::from_millis(millis + (first.as_millis() - millis) / 2);
        if between < first {
            prop_assert_eq!(occurrences.after(between).expect("a moment"), Some(first));
        }
        prop_assert_eq!(occurrences.until(first).expect("a moment"), Some(first));
        let just_before = Timestamp::from_millis(second.as_millis() - 1);
        prop_assert_eq!(occurrences.until(just_before).expect("a moment"), Some(first));
    }

    #[test]
    fn each_moment_is_run_once_whatever_the_clock_does(
        steps in proptest::collection::vec(-7_200_i64..14_400, 1..40),
    ) {
        let schedule = Schedule::Every { every_ms: 600_000, anchor: Timestamp::from_millis(0) };
        let begin = 1_700_000_000_000_i64;
        let mut job = job(schedule, Timestamp::from_millis(begin), CatchUp::All);
        let (mut now, mut latest) = (begin, begin);
        let mut ran = Vec::new();
        for step in steps {
            // Not so far back that it would not be believed.
            now = (now + step * 1_000).max(begin).max(latest - 70_000_000);
            latest = latest.max(now);
            ran.extend(run_all(&mut job, Timestamp::from_millis(now)).into_iter().map(|(slot, _)| slot));
        }
        let mut sorted = ran.clone();
        sorted.sort();
        sorted.dedup();
        prop_assert_eq!(&sorted, &ran, "in order, none twice");
        // Never more than a hundred were due at once here, so none is left out.
        let expected = usize::try_from(latest / 600_000 - begin / 600_000).expect("positive");
        prop_assert_eq!(ran.len(), expected);
    }
}
