//! Sessions.

use openclaw_core::{AgentId, SessionConfig, SessionContext, SessionState, ThinkingLevel, Usage};

use super::{
    Fixture, at, channel, entry, inbox_id, input, message_id, outbox, outbox_id, run, session,
    session_id, session_key, user_id,
};
use crate::rows::{InputState, OutboxState, SessionQuery};
use crate::{Conflict, InputChange, SessionChange, SessionPatch, Write};

/// Every field comes back.
pub async fn a_session_is_read_as_it_was_written(store: &Fixture) {
    let mut written = session("full");
    written.agent_id = AgentId::new("work").expect("an agent id");
    written.channel_id = channel("telegram/second");
    written.user_id = user_id("U+1");
    written.label = Some("Über ›x‹".to_owned());
    written.config = SessionConfig {
        model: Some("openai/gpt-5".to_owned()),
        thinking: Some(ThinkingLevel::High),
        ..SessionConfig::default()
    };
    written.state = SessionState::Running;
    written.context = SessionContext {
        usage: Usage { input_tokens: 5, ..Usage::default() },
        runs: 3,
        ..SessionContext::default()
    };
    written.last_seq = 9;
    written.updated_at = at(2);
    written.last_activity_at = at(3);
    store.apply([Write::CreateSession(Box::new(written.clone()))]).await;
    let storage = &store.storage;
    assert_eq!(storage.session(&written.id).await.expect("read"), Some(written.clone()));
    let by_key = storage.session_by_key(&written.session_key).await.expect("read");
    assert_eq!(by_key, Some(written.clone()));
    assert_eq!(storage.session(&session_id("none")).await.expect("read"), None);
    let told = store.observer.take();
    let created = (written.session_key, written.id, SessionChange::Created);
    assert_eq!(told[0].sessions, [created]);
}

/// The second one is told who holds it, and so is a session whose id exists.
pub async fn a_live_key_is_held_by_one_session(store: &Fixture) {
    let first = store.with_session("a").await;
    let second = openclaw_core::Session { id: session_id("other"), ..first.clone() };
    let taken = Conflict::SessionKeyTaken { session_id: first.id.clone() };
    assert_eq!(store.refused([Write::CreateSession(Box::new(second.clone()))]).await, taken);
    let same_id = openclaw_core::Session { session_key: session_key("b"), ..first.clone() };
    assert_eq!(store.refused([Write::CreateSession(Box::new(same_id))]).await, taken);
    let end = Write::EndSession { id: first.id.clone(), at: at(5) };
    store.apply([end, Write::CreateSession(Box::new(second.clone()))]).await;
    let live = store.storage.session_by_key(&first.session_key).await.expect("read");
    assert_eq!(live, Some(second));
}

/// The others stay; a label is cleared by naming it.
pub async fn a_patch_changes_only_what_it_names(store: &Fixture) {
    let before = store.with_session("a").await;
    store.observer.take();
    let id = before.id.clone();
    let patch = SessionPatch {
        label: Some(Some("Name".to_owned())),
        last_activity_at: Some(at(7_000)),
        ..SessionPatch::default()
    };
    store.apply([Write::UpdateSession { id: id.clone(), patch }]).await;
    let named = openclaw_core::Session {
        label: Some("Name".to_owned()),
        last_activity_at: at(7_000),
        ..before.clone()
    };
    assert_eq!(store.storage.session(&id).await.expect("read"), Some(named.clone()));
    let config = SessionConfig { tools_enabled: Some(false), ..SessionConfig::default() };
    let context = SessionContext { runs: 1, ..SessionContext::default() };
    let patch = SessionPatch {
        label: Some(None),
        config: Some(config.clone()),
        state: Some(SessionState::Running),
        context: Some(context.clone()),
        last_activity_at: None,
        updated_at: Some(at(8_000)),
    };
    store.apply([Write::UpdateSession { id: id.clone(), patch }]).await;
    let cleared = openclaw_core::Session {
        label: None,
        config,
        state: SessionState::Running,
        context,
        updated_at: at(8_000),
        ..named
    };
    assert_eq!(store.storage.session(&id).await.expect("read"), Some(cleared));
    let quiet = SessionPatch { last_activity_at: Some(at(9_000)), ..SessionPatch::default() };
    store.apply([Write::UpdateSession { id: id.clone(), patch: quiet }]).await;
    let told: Vec<_> =
        store.observer.take().into_iter().map(|committed| committed.sessions).collect();
    let updated = (before.session_key, id, SessionChange::Updated);
    assert_eq!(told, [vec![updated.clone()], vec![updated], vec![]]);
}

/// An ended one is as good as missing.
pub async fn only_live_sessions_are_updated(store: &Fixture) {
    let id = store.with_session("a").await.id;
    let update = |id: &openclaw_core::SessionId| Write::UpdateSession {
        id: id.clone(),
        patch: SessionPatch::default(),
    };
    store.apply([update(&id)]).await;
    store.apply([Write::EndSession { id: id.clone(), at: at(5) }]).await;
    for id in [id, session_id("none")] {
        let missing = Conflict::Missing { what: "session", id: id.to_string() };
        assert_eq!(store.refused([update(&id)]).await, missing);
    }
}

/// The second end changes nothing; an unknown session is missing.
pub async fn ending_frees_the_key_and_is_idempotent(store: &Fixture) {
    let before = store.with_session("a").await;
    store.observer.take();
    let id = before.id.clone();
    store.apply([Write::EndSession { id: id.clone(), at: at(5) }]).await;
    store.apply([Write::EndSession { id: id.clone(), at: at(6) }]).await;
    let ended = openclaw_core::Session {
        state: SessionState::Ended,
        ended_at: Some(at(5)),
        updated_at: at(5),
        ..before.clone()
    };
    let storage = &store.storage;
    assert_eq!(storage.session(&id).await.expect("read"), Some(ended));
    assert_eq!(storage.session_by_key(&before.session_key).await.expect("read"), None);
    assert_eq!(storage.count_sessions().await.expect("read"), 0);
    let told: Vec<_> =
        store.observer.take().into_iter().map(|committed| committed.sessions).collect();
    assert_eq!(told, [vec![(before.session_key, id, SessionChange::Ended)], vec![]]);
    let unknown = Write::EndSession { id: session_id("none"), at: at(6) };
    let missing = Conflict::Missing { what: "session", id: "session-none".to_owned() };
    assert_eq!(store.refused([unknown]).await, missing);
}

/// Latest activity first, those of one moment by id; the last page has no cursor.
pub async fn a_list_is_paged_without_gap_or_double(store: &Fixture) {
    for number in 0..7 {
        let mut session = session(&format!("s{number}"));
        session.last_activity_at = at(1_000 + number / 2);
        store.apply([Write::CreateSession(Box::new(session))]).await;
    }
    store.apply([Write::EndSession { id: session_id("s3"), at: at(9) }]).await;
    let mut query = SessionQuery { limit: 2, ..SessionQuery::default() };
    let mut names = Vec::new();
    let mut pages = 0;
    loop {
        let page = store.storage.list_sessions(&query).await.expect("read");
        names.extend(page.items.iter().map(|session| session.session_key.rest().to_owned()));
        pages += 1;
        match page.next_cursor {
            Some(cursor) => query.cursor = Some(cursor),
            None => break,
        }
    }
    assert_eq!(names, ["s6", "s5", "s4", "s2", "s1", "s0"]);
    assert_eq!(pages, 3);
    assert_eq!(store.storage.count_sessions().await.expect("read"), 6);
    let all = SessionQuery { limit: 1_000_000, ..SessionQuery::default() };
    assert_eq!(store.storage.list_sessions(&all).await.expect("read").items.len(), 6);
    let wrong = SessionQuery { cursor: Some("no cursor".to_owned()), ..query };
    assert!(store.storage.list_sessions(&wrong).await.is_err());
}

/// By channel, agent and time.
pub async fn a_list_is_filtered(store: &Fixture) {
    let mut telegram = session("t");
    telegram.channel_id = channel("telegram");
    telegram.last_activity_at = at(5_000);
    let mut work = session("w");
    work.agent_id = AgentId::new("work").expect("an agent id");
    let create = [telegram.clone(), work.clone(), session("x")]
        .map(|session| Write::CreateSession(Box::new(session)));
    store.apply(create).await;
    let names = async |query: SessionQuery| -> Vec<String> {
        let page = store.storage.list_sessions(&query).await.expect("read");
        page.items.iter().map(|session| session.session_key.rest().to_owned()).collect()
    };
    let all = SessionQuery { limit: 10, ..SessionQuery::default() };
    let of_channel = SessionQuery { channel_id: Some(channel("telegram")), ..all.clone() };
    assert_eq!(names(of_channel).await, ["t"]);
    let of_agent = SessionQuery { agent_id: Some(work.agent_id.clone()), ..all.clone() };
    assert_eq!(names(of_agent).await, ["w"]);
    let since = SessionQuery { active_since: Some(at(5_000)), ..all.clone() };
    assert_eq!(names(since).await, ["t"]);
    let both = SessionQuery {
        channel_id: Some(channel("telegram")),
        agent_id: Some(work.agent_id),
        ..all.clone()
    };
    assert!(names(both).await.is_empty());
    assert_eq!(names(all).await.len(), 3);
}

/// In key, label, user and chat, beyond ASCII too, and never across two of them.
pub async fn a_search_ignores_case(store: &Fixture) {
    let mut first = session("garden");
    first.label = Some("ÄPFEL 100%".to_owned());
    first.user_id = user_id("UserOne");
    let mut second = session("house");
    second.chat_id = super::chat("Room_B").chat_id;
    let create = [first.clone(), second].map(|session| Write::CreateSession(Box::new(session)));
    store.apply(create).await;
    let found = async |text: &str| -> Vec<String> {
        let query =
            SessionQuery { limit: 10, search: Some(text.to_owned()), ..SessionQuery::default() };
        let page = store.storage.list_sessions(&query).await.expect("read");
        page.items.iter().map(|session| session.session_key.rest().to_owned()).collect()
    };
    assert_eq!(found("GARDEN").await, ["garden"]);
    assert_eq!(found("äpfel").await, ["garden"]);
    assert_eq!(found("0%").await, ["garden"]);
    assert_eq!(found("userone").await, ["garden"]);
    assert_eq!(found("room_b").await, ["house"]);
    assert_eq!(found("agent:main").await.len(), 2);
    assert!(found("gardenuserone").await.is_empty());
    let label = Some(Some("Birnen".to_owned()));
    let patch = SessionPatch { label, ..SessionPatch::default() };
    store.apply([Write::UpdateSession { id: first.id, patch }]).await;
    assert!(found("äpfel").await.is_empty());
    assert_eq!(found("BIRNEN").await, ["garden"]);
}

/// Messages, transcript, events, ended inputs and outbox rows go; another session's stay, and so do
/// rows that are still to be sent.
pub async fn deleting_takes_what_belongs_to_it(store: &Fixture) {
    store.with_session("a").await;
    store.with_session("b").await;
    for name in ["a", "b"] {
        let mut sent = outbox(&format!("sent-{name}"), "42");
        sent.session_id = Some(session_id(name));
        sent.state = OutboxState::Failed;
        let mut open = outbox(&format!("open-{name}"), "42");
        open.session_id = Some(session_id(name));
        let mut ended = input(name, name);
        ended.state = InputState::Refused;
        store
            .apply([
                Write::Append(Box::new(entry(name, name))),
                Write::AcceptInput(Box::new(ended)),
                Write::Enqueue(Box::new(sent)),
                Write::Enqueue(Box::new(open)),
            ])
            .await;
    }
    store.observer.take();
    store.apply([Write::DeleteSession { id: session_id("a") }]).await;
    let told = store.observer.take();
    let deleted = (session_key("a"), session_id("a"), SessionChange::Deleted);
    assert_eq!(told[0].sessions, [deleted]);
    let storage = &store.storage;
    for (name, is_there) in [("a", false), ("b", true)] {
        let id = session_id(name);
        assert_eq!(storage.session(&id).await.expect("read").is_some(), is_there);
        let messages = storage.messages_after(&id, 0, 10).await.expect("read");
        assert_eq!(messages.len(), usize::from(is_there));
        assert_eq!(storage.message(&message_id(name)).await.expect("read").is_some(), is_there);
        let events = storage.events_after(&id, 0, 10).await.expect("read");
        assert_eq!(events.len(), usize::from(is_there));
        assert_eq!(storage.input(&inbox_id(name)).await.expect("read").is_some(), is_there);
        let sent = storage.outbox(&outbox_id(&format!("sent-{name}"))).await.expect("read");
        assert_eq!(sent.is_some(), is_there);
        let open = storage.outbox(&outbox_id(&format!("open-{name}"))).await.expect("read");
        assert!(open.is_some());
    }
    let backlog = storage.backlog().await.expect("read");
    assert_eq!((backlog.outbox, backlog.failed), (2, 1));
    let again = Write::DeleteSession { id: session_id("a") };
    let missing = Conflict::Missing { what: "session", id: "session-a".to_owned() };
    assert_eq!(store.refused([again]).await, missing);
    // The key and the run id are free again.
    store.with_session("a").await;
    store.apply([Write::AcceptInput(Box::new(input("a", "a")))]).await;
}

/// Its inputs must end first.
pub async fn a_session_with_open_inputs_is_not_deleted(store: &Fixture) {
    store.with_session("a").await;
    store.apply([Write::AcceptInput(Box::new(input("a", "1")))]).await;
    let delete = || Write::DeleteSession { id: session_id("a") };
    let conflict = store.refused([delete()]).await;
    let in_use = matches!(&conflict, Conflict::StateChanged { what: "session", id, .. }
        if id == "session-a");
    assert!(in_use, "{conflict:?}");
    let end = InputChange::new(
        inbox_id("1"),
        vec![InputState::Waiting],
        InputState::Failed,
        openclaw_core::RunStatus::Error,
        at(9),
    );
    store.apply([Write::ChangeInput(Box::new(end)), delete()]).await;
    assert_eq!(store.storage.input_by_run(&run("1")).await.expect("read"), None);
}
