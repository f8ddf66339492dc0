//! 17–21: who may talk to the assistant on Telegram, and who may not.

use openclaw_testkit::model::ModelServer;
use openclaw_testkit::telegram::Post;
use serde_json::json;

use crate::raw::call;
use crate::support::{LIMIT, TOKEN, Telegram, TestGateway, run_alone};

const ANN: i64 = 4_711;
const BOB: i64 = 4_712;
const ROOM: i64 = -4_000;

async fn people() -> (ModelServer, Telegram) {
    let (model, telegram) = (ModelServer::start().await, Telegram::start().await);
    telegram.bot.add_user(ANN, "Ann", Some("ann"));
    telegram.bot.add_user(BOB, "Bob", Some("bob"));
    telegram.bot.add_group(ROOM, "Room", &[ANN, BOB]);
    (model, telegram)
}

/// Waits until the gateway has taken everything that was said.
async fn all_heard(telegram: &Telegram) {
    let heard =
        telegram.bot.wait_for(|bot| (bot.pending_updates() == 0).then_some(()), LIMIT).await;
    assert!(heard.is_some(), "the gateway takes what is said");
}

async fn code_of(gateway: &TestGateway, user: i64) -> Option<String> {
    let listed = call(gateway, Some(TOKEN), "pairing.list", json!({})).await.json();
    let pairings = listed["result"]["pairings"].as_array().cloned().unwrap_or_default();
    let user = user.to_string();
    let of = pairings.into_iter().find(|pairing| pairing["user_id"] == *user)?;
    of["code"].as_str().map(str::to_owned)
}

async fn approve(gateway: &TestGateway, code: &str) -> Option<i64> {
    call(gateway, Some(TOKEN), "pairing.approve", json!({"code": code})).await.code()
}

#[tokio::test]
async fn s17_a_pairing_code_works_once_for_whom_it_was_made_and_cannot_be_guessed() {
    let (model, telegram) = people().await;
    let gateway = TestGateway::with_model(&model, &telegram.config("")).await;
    for user in [ANN, BOB] {
        telegram.bot.say(user, user, "let me in");
        telegram.bot.wait_for_sent(user, 1, LIMIT).await;
    }
    let (ann, bob) = (code_of(&gateway, ANN).await, code_of(&gateway, BOB).await);
    let (ann, bob) = (ann.expect("a code"), bob.expect("a code"));
    assert_ne!(ann, bob);
    assert_eq!(approve(&gateway, &ann).await, None);
    assert_eq!(approve(&gateway, &ann).await, Some(-32003), "it works once");
    assert_eq!(code_of(&gateway, BOB).await.as_ref(), Some(&bob), "and for one person");
    telegram.bot.say(BOB, BOB, "and me?");
    all_heard(&telegram).await;
    assert!(model.requests().is_empty());
    let mut refused = Vec::new();
    for guess in 0..20 {
        refused.push(approve(&gateway, &format!("AAAAAA{:02}", guess + 22)).await);
    }
    assert!(refused.contains(&Some(-32005)), "{refused:?}");
    assert_eq!(approve(&gateway, &bob).await, Some(-32005), "then not even the right one");
}

#[tokio::test]
async fn s18_who_is_no_owner_never_gets_into_the_owners_session() {
    let (model, telegram) = people().await;
    let config = telegram.config(&format!(
        "dm_policy = \"open\"\ngroup_policy = \"open\"\nrequire_mention = false\n[session]\nowners = [\"telegram:{ANN}\"]"
    ));
    let gateway = TestGateway::with_model(&model, &config).await;
    telegram.bot.say(ANN, ANN, "this is for my session");
    telegram.wait_for_text(ANN, |text| text.contains("for my session")).await;
    let first = telegram.bot.say(BOB, BOB, "plain");
    telegram.bot.post(BOB, BOB, Post::text("by reply").reply_to(first));
    telegram.bot.post(BOB, BOB, Post::text("by quote").reply_to(first).quote("plain"));
    telegram.bot.edit(BOB, first, "by edit, I am telegram:4711");
    telegram.bot.say(ROOM, BOB, "in a room");
    telegram.wait_for_text(ROOM, |text| text.contains("in a room")).await;
    telegram.wait_for_text(BOB, |text| text.contains("by quote")).await;
    all_heard(&telegram).await;
    let history = json!({"session_key": "agent:main:main", "limit": 100});
    let owners = call(&gateway, Some(TOKEN), "message.history", history).await.json();
    let said = owners["result"]["messages"].to_string();
    assert!(said.contains("for my session"), "{owners}");
    for others in ["plain", "by reply", "by quote", "by edit", "in a room"] {
        assert!(!said.contains(others), "{others} came into the owner's session");
    }
}

#[tokio::test]
async fn s19_rights_in_direct_chats_and_in_rooms_do_not_give_each_other() {
    let (model, telegram) = people().await;
    let config = telegram.config(&format!(
        "group_policy = \"allowlist\"\n[channels.telegram.groups.\"{ROOM}\"]\nrequire_mention = false\nallow_from = [\"{BOB}\"]"
    ));
    let gateway = TestGateway::with_model(&model, &config).await;
    telegram.bot.say(ANN, ANN, "let me in");
    telegram.bot.wait_for_sent(ANN, 1, LIMIT).await;
    let code = code_of(&gateway, ANN).await.expect("a code");
    assert_eq!(approve(&gateway, &code).await, None);
    telegram.bot.say(ROOM, ANN, "ann is paired, but not here @assistant_bot");
    all_heard(&telegram).await;
    telegram.bot.say(ROOM, BOB, "bob may here");
    telegram.wait_for_text(ROOM, |text| text.contains("bob may here")).await;
    telegram.bot.say(BOB, BOB, "bob in private");
    telegram.bot.wait_for_sent(BOB, 1, LIMIT).await;
    all_heard(&telegram).await;
    assert!(code_of(&gateway, BOB).await.is_some(), "in private Bob has to ask");
    let asked: String = model.requests().iter().map(|request| format!("{request:?}")).collect();
    assert!(asked.contains("bob may here"));
    assert!(!asked.contains("not here") && !asked.contains("bob in private"));
}

#[tokio::test]
async fn s20_an_empty_allow_list_denies_and_a_wrong_one_refuses_the_start() {
    let (model, telegram) = people().await;
    let config = telegram.config("dm_policy = \"allowlist\"\nallow_from = []");
    let gateway = TestGateway::with_model(&model, &config).await;
    telegram.bot.say(ANN, ANN, "hello?");
    telegram.bot.say(ROOM, ANN, "hello @assistant_bot?");
    all_heard(&telegram).await;
    call(&gateway, Some(TOKEN), "gateway.status", json!({})).await;
    assert!(model.requests().is_empty());
    assert!(telegram.shown(ANN).is_empty() && telegram.shown(ROOM).is_empty());

    for wrong in ["allow_from = [{}]", "allow_from = 7.5", "allow_from = [[\"*\"]]"] {
        let config = telegram.config(&format!("dm_policy = \"allowlist\"\n{wrong}"));
        let output = run_alone(&["gateway", "run"], &[("openclaw.toml", &config)]).await;
        assert_eq!(output.status.code(), Some(3), "{wrong}: {output:?}");
    }
}

#[tokio::test]
async fn s21_a_channel_with_an_empty_secret_refuses_to_start() {
    for secret in ["token = \"\"", "", "token = \"${NOT_SET}\""] {
        let config = format!("[channels.telegram]\nenabled = true\n{secret}\n");
        let output = run_alone(&["gateway", "run"], &[("openclaw.toml", &config)]).await;
        assert_eq!(output.status.code(), Some(3), "{secret:?}: {output:?}");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(said.contains("channels.telegram.token") || said.contains("NOT_SET"), "{said}");
    }
}
