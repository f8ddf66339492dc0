//! Jobs on the binary: made, run, delivered; killed between their due moment and their end.

use std::time::Duration;

use openclaw_client::Client;
use openclaw_core::{Rng as _, Timestamp};
use openclaw_testkit::SeededRng;
use openclaw_testkit::model::{ModelServer, Reply, Script};
use openclaw_testkit::postgres::PostgresServer;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use crate::support::{LIMIT, Telegram, TestGateway};

const OWNER: i64 = 501;
const SEED: u64 = 44;

async fn call(client: &Client, method: &str, params: Value) -> Value {
    let answer = client.call_raw(method, &params, LIMIT).await;
    match answer {
        Ok(result) => serde_json::from_str(result.get()).expect("JSON"),
        Err(error) => panic!("{method} {params}: {error}"),
    }
}

/// Waits until a job's receipts are as they should be.
async fn until(client: &Client, job: &str, mut is_so: impl FnMut(&[Value]) -> bool) -> Vec<Value> {
    let began = Instant::now();
    loop {
        let told = call(client, "cron.runs", json!({ "job_id": job, "limit": 5_000 })).await;
        let runs = told["runs"].as_array().cloned().unwrap_or_default();
        if is_so(&runs) {
            return runs;
        }
        assert!(began.elapsed() < LIMIT, "{runs:#?}");
        sleep(Duration::from_millis(50)).await;
    }
}

fn is_done(runs: &[Value]) -> bool {
    runs.iter().any(|run| run["status"] != "running")
}

async fn world(more: &str, script: Script) -> (ModelServer, Telegram, TestGateway) {
    let (model, telegram) = (ModelServer::with(script).await, Telegram::start().await);
    telegram.bot.add_user(OWNER, "Owner", None);
    let channel = telegram.config("dm_policy = \"open\"");
    let config = format!("[session]\nowners = [\"telegram:{OWNER}\"]\n{more}\n{channel}");
    let gateway = TestGateway::with_model(&model, &config).await;
    (model, telegram, gateway)
}

/// Waits until the owner's chat shows this.
async fn shows(telegram: &Telegram, gateway: &TestGateway, text: &str) {
    let is_there = |_: &_| {
        let shown = telegram.shown(OWNER);
        shown.iter().any(|sent| sent.text.contains(text)).then_some(())
    };
    if telegram.bot.wait_for(is_there, LIMIT).await.is_none() {
        let shown: Vec<String> = telegram.shown(OWNER).into_iter().map(|sent| sent.text).collect();
        panic!("{text:?} is not among {shown:?}\n{}", gateway.log());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_due_once_is_said_where_the_owner_was_last_and_goes() {
    let script = Script::new()
        .on_user("stretch", Reply::text("Time to stretch."))
        .on_user("quiet", Reply::text("NO_REPLY"));
    let (model, telegram, gateway) = world("", script).await;
    telegram.bot.say(OWNER, OWNER, "good morning");
    shows(&telegram, &gateway, "good morning").await;
    let added = gateway
        .openclaw(&["cron", "add", "--at", "1s", "--message", "remind me to stretch", "--json"])
        .await;
    assert!(added.status.success(), "{}", String::from_utf8_lossy(&added.stderr));
    let job: Value = serde_json::from_slice(&added.stdout).expect("JSON");
    let id = job["id"].as_str().expect("an id");
    shows(&telegram, &gateway, "Time to stretch.").await;
    let (client, _events) = gateway.connect().await;
    let runs = until(&client, id, is_done).await;
    assert_eq!(runs.len(), 1, "{runs:#?}");
    assert_eq!((&runs[0]["status"], &runs[0]["trigger"]), (&json!("ok"), &json!("schedule")));
    let key = runs[0]["session_key"].as_str().expect("a session");
    assert!(key.starts_with(&format!("agent:main:cron:{id}:run:")), "{key}");
    let listed = call(&client, "cron.list", json!({})).await;
    assert_eq!(listed["jobs"], json!([]), "it is gone");
    // What was said belongs to the chat's conversation.
    telegram.bot.say(OWNER, OWNER, "what did you just say");
    shows(&telegram, &gateway, "what did you just say").await;
    let said = call(&client, "message.history", json!({ "session_key": "agent:main:main" })).await;
    assert!(said.to_string().contains("Time to stretch."), "{said}");

    let quiet = json!({"schedule": {"kind": "every", "every_ms": 3_600_000}, "payload": {"kind": "agent_turn", "message": "be quiet"}});
    let quiet = call(&client, "cron.add", quiet).await;
    let id = quiet["id"].as_str().expect("an id");
    let before = telegram.shown(OWNER).len();
    let ran = gateway.openclaw(&["cron", "run", id]).await;
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    let runs = until(&client, id, is_done).await;
    assert_eq!(runs[0]["delivery"], "nothing to tell", "{runs:#?}");
    assert_eq!(telegram.shown(OWNER).len(), before);
    assert_eq!(model.violations(), Vec::<String>::new());
    assert_eq!(telegram.bot.violations(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_without_a_model_is_told_and_shown() {
    let telegram = Telegram::start().await;
    telegram.bot.add_user(OWNER, "Owner", None);
    let channel = telegram.config("dm_policy = \"open\"");
    let gateway = TestGateway::with_config(&channel).await;
    let (client, _events) = gateway.connect().await;
    let asked = json!({
        "name": "morning news",
        "schedule": {"kind": "every", "every_ms": 86_400_000},
        "payload": {"kind": "agent_turn", "message": "tell the news"},
        "delivery": {"mode": "announce", "channel": "telegram", "to": OWNER.to_string()},
    });
    let job = call(&client, "cron.add", asked).await;
    let id = job["id"].as_str().expect("an id");
    call(&client, "cron.run", json!({ "job_id": id })).await;
    let runs = until(&client, id, is_done).await;
    assert_eq!(runs[0]["status"], "error", "{runs:#?}");
    shows(&telegram, &gateway, "The job “morning news” failed").await;
    let listed = call(&client, "cron.list", json!({})).await;
    assert_eq!(listed["jobs"][0]["state"]["consecutive_errors"], 1, "{listed}");
    let status = call(&client, "cron.status", json!({})).await;
    assert_eq!((&status["jobs"], &status["failing"]), (&json!(1), &json!(1)));
    let doctor = gateway.openclaw(&["doctor"]).await;
    let told = String::from_utf8_lossy(&doctor.stdout).into_owned();
    assert!(told.contains("morning news"), "{told}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kills_at_any_moment_leave_one_receipt_for_each_second() {
    let slow = Reply::text("done").after(Duration::from_millis(300));
    let (_model, _telegram, mut gateway) = world("", Script::new().on_user("tick", slow)).await;
    let (client, events) = gateway.connect().await;
    let asked = json!({
        "schedule": {"kind": "every", "every_ms": 1_000},
        "payload": {"kind": "agent_turn", "message": "tick"},
        "delivery": {"mode": "none"},
        "catch_up": "all",
    });
    let job = call(&client, "cron.add", asked).await;
    let id = job["id"].as_str().expect("an id").to_owned();
    let anchor = job["schedule"]["anchor"].as_str().expect("a time");
    let began = Timestamp::parse_rfc3339(anchor).expect("one");
    drop((client, events));
    let moments = SeededRng::new(SEED);
    for _ in 0..6 {
        sleep(Duration::from_millis(400 + moments.next_u64() % 1_100)).await;
        gateway.kill_hard().await;
        gateway.restart().await;
    }
    let (client, _events) = gateway.connect().await;
    let runs = until(&client, &id, |runs| runs.len() >= 8).await;
    call(&client, "cron.update", json!({"job_id": id, "patch": {"enabled": false}})).await;
    until(&client, &id, |runs| runs.iter().all(|run| run["status"] != "running")).await;
    let told = call(&client, "cron.runs", json!({ "job_id": id, "limit": 5_000 })).await;
    let all = told["runs"].as_array().expect("a list");
    assert!(all.len() >= runs.len());
    let mut slots: Vec<i64> = all
        .iter()
        .map(|run| Timestamp::parse_rfc3339(run["slot"].as_str().expect("a time")))
        .map(|slot| slot.expect("one").as_millis())
        .collect();
    slots.reverse();
    for (index, slot) in slots.iter().enumerate() {
        let expected = began.as_millis() + 1_000 * (i64::try_from(index).expect("few") + 1);
        assert_eq!(*slot, expected, "each second once, none left out: {slots:?}");
    }
    assert!(all.iter().all(|run| run["status"] == "ok"), "{all:#?}\n{}", gateway.log());
    let mut ids: Vec<&str> = all.iter().filter_map(|run| run["run_id"].as_str()).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), all.len());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_gateways_on_one_server_run_each_moment_once() {
    let model = ModelServer::with(Script::new().on_user("tick", Reply::text("done"))).await;
    let server = PostgresServer::start().expect("a server");
    let url = server.empty().expect("a place");
    let config = format!("[storage]\nbackend = \"postgres\"\nurl = \"{url}\"\n");
    let first = TestGateway::with_model(&model, &config).await;
    let second = TestGateway::with_model(&model, &config).await;
    let (client, _events) = first.connect().await;
    let (other, _more) = second.connect().await;
    let asked = json!({
        "schedule": {"kind": "every", "every_ms": 1_000},
        "payload": {"kind": "agent_turn", "message": "tick"},
        "delivery": {"mode": "none"},
        "catch_up": "all",
    });
    let job = call(&client, "cron.add", asked).await;
    let id = job["id"].as_str().expect("an id");
    // Wakes the scheduler of the other one, which then looks at the same moments.
    call(&other, "cron.update", json!({"job_id": id, "patch": {"name": "both"}})).await;
    let runs =
        until(&client, id, |runs| runs.iter().filter(|run| run["status"] == "ok").count() >= 6)
            .await;
    let mut slots: Vec<&str> = runs.iter().filter_map(|run| run["slot"].as_str()).collect();
    let count = slots.len();
    slots.sort_unstable();
    slots.dedup();
    assert_eq!(slots.len(), count);
    call(&client, "cron.update", json!({"job_id": id, "patch": {"enabled": false}})).await;
    let runs = until(&client, id, |runs| runs.iter().all(|run| run["status"] != "running")).await;
    assert_eq!(model.requests().len(), runs.len(), "one request for each receipt");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_event_waits_for_the_next_turn_of_the_main_session() {
    let (model, telegram, gateway) = world("", Script::new()).await;
    telegram.bot.say(OWNER, OWNER, "hello");
    shows(&telegram, &gateway, "hello").await;
    let added = gateway
        .openclaw(&[
            "cron",
            "add",
            "--at",
            "0s",
            "--system-event",
            "the parcel has come",
            "--wake",
            "next-heartbeat",
            "--keep-after-run",
            "--json",
        ])
        .await;
    assert!(added.status.success(), "{}", String::from_utf8_lossy(&added.stderr));
    let job: Value = serde_json::from_slice(&added.stdout).expect("JSON");
    let (client, _events) = gateway.connect().await;
    until(&client, job["id"].as_str().expect("an id"), is_done).await;
    let asked = model.requests().len();
    telegram.bot.say(OWNER, OWNER, "anything new");
    shows(&telegram, &gateway, "anything new").await;
    let requests = model.requests();
    assert_eq!(requests.len(), asked + 1, "the event alone asked no model");
    let request = format!("{:?}", requests[asked]);
    assert!(request.contains("the parcel has come"), "{request}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_agent_makes_jobs_for_who_asks_it() {
    let job = json!({
        "name": "tea",
        "schedule": { "kind": "at", "at": "1h" },
        "payload": { "kind": "agentTurn", "message": "tell about the tea" },
    });
    let arguments = json!({ "action": "add", "job": job });
    let script = Script::new()
        .on_tool_result(Reply::text("noted"))
        .on_user("remind me", Reply::call("cron", &arguments));
    let (model, telegram, gateway) = world("", script).await;
    telegram.bot.say(OWNER, OWNER, "remind me of the tea");
    let (client, _events) = gateway.connect().await;
    let began = Instant::now();
    let made = loop {
        let listed = call(&client, "cron.list", json!({})).await;
        if listed["jobs"][0].is_object() {
            break listed["jobs"][0].clone();
        }
        assert!(began.elapsed() < LIMIT, "{listed} {:?}\n{}", model.requests(), gateway.log());
        sleep(Duration::from_millis(50)).await;
    };
    assert_eq!((&made["name"], &made["agent_id"]), (&json!("tea"), &json!("main")));
    assert_eq!(made["made_in"], "agent:main:main", "it has the rights of who asked");
    assert_eq!(model.violations(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_heartbeat_with_something_to_look_at_alerts_the_owner() {
    let script = Script::new().on_user("follow it strictly", Reply::text("The disk is full."));
    let heartbeat = "[agents.heartbeat]\nevery = \"1m\"\n";
    let (model, telegram, gateway) = world(heartbeat, script).await;
    telegram.bot.say(OWNER, OWNER, "hello");
    shows(&telegram, &gateway, "hello").await;
    let workspace = gateway.state().join("workspace");
    std::fs::create_dir_all(&workspace).expect("a folder");
    std::fs::write(workspace.join("HEARTBEAT.md"), "# Tasks\n- look at the disk\n")
        .expect("a file");
    let is_told = |_: &_| {
        telegram.shown(OWNER).iter().any(|sent| sent.text == "The disk is full.").then_some(())
    };
    let beat = Duration::from_secs(60) + LIMIT;
    let told = telegram.bot.wait_for(is_told, beat).await;
    assert!(told.is_some(), "{}", gateway.log());
    assert_eq!(model.violations(), Vec::<String>::new());
}
