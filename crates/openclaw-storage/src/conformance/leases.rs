//! Leases and fences.

use std::time::Duration;

use openclaw_core::RunStatus;

use super::{Fixture, at, inbox_id, input, outbox, outbox_id, session_key};
use crate::rows::{InputState, LeaseRow, OutboxState};
use crate::{Batch, Conflict, Fence, InputChange, Leases, OutboxChange, Write};

const TTL: Duration = Duration::from_secs(15);

fn take(resource: &str, owner: &str) -> Write {
    Write::TakeLease { resource: resource.to_owned(), owner: owner.to_owned(), ttl: TTL }
}

async fn taken(store: &Fixture, resource: &str, owner: &str) -> LeaseRow {
    let applied = store.apply([take(resource, owner)]).await;
    applied.leases.into_iter().next().expect("one lease")
}

fn fenced(lease: &LeaseRow) -> Batch {
    let put = Write::PutValue { key: "k".to_owned(), value: "v".to_owned(), expect: None };
    Batch::new().fenced(Fence::from(lease)).with(put)
}

/// By the store's clock.
pub async fn a_lease_is_held_until_it_runs_out(store: &Fixture) {
    let lease = taken(store, "lane:x", "one").await;
    let expected = LeaseRow {
        resource: "lane:x".to_owned(),
        owner: "one".to_owned(),
        lease_until: at(1_015_000),
        fence: 1,
    };
    assert_eq!(lease, expected);
    assert_eq!(store.storage.lease("lane:x").await.expect("read"), Some(expected));
    assert_eq!(store.storage.lease("lane:y").await.expect("read"), None);
    let held = Conflict::LeaseHeld {
        resource: "lane:x".to_owned(),
        owner: "one".to_owned(),
        until: at(1_015_000),
    };
    assert_eq!(store.refused([take("lane:x", "two")]).await, held);
    store.clock.advance(TTL - Duration::from_millis(1));
    assert_eq!(store.refused([take("lane:x", "two")]).await, held);
    store.clock.advance(Duration::from_millis(1));
    let lease = taken(store, "lane:x", "two").await;
    assert_eq!((lease.owner.as_str(), lease.fence), ("two", 2));
}

/// A restart under the same name shuts out what the last start still does.
pub async fn its_holder_takes_it_again_with_the_next_fence(store: &Fixture) {
    let first = taken(store, "lane:x", "one").await;
    let second = taken(store, "lane:x", "one").await;
    assert_eq!((first.fence, second.fence), (1, 2));
    let lost = Conflict::FenceLost { resource: "lane:x".to_owned() };
    assert_eq!(store.refused_batch(fenced(&first)).await, lost);
    store.storage.apply(fenced(&second)).await.expect("accepted");
}

/// Those that are meant, and nobody else's.
pub async fn renewing_prolongs_those_of_an_owner(store: &Fixture) {
    taken(store, "lane:x", "one").await;
    taken(store, "lane:y", "one").await;
    let given_back = taken(store, "lane:z", "one").await;
    store.apply([Write::ReleaseLease(Fence::from(&given_back))]).await;
    taken(store, "lane:w", "two").await;
    taken(store, "account:x", "one").await;
    taken(store, "account:x:y", "one").await;
    store.clock.advance(Duration::from_secs(10));
    let renew = |leases| Write::RenewLeases { owner: "one".to_owned(), leases, ttl: TTL };
    store.apply([renew(Leases::Beginning("lane:".to_owned()))]).await;
    let until = async |resource: &str| {
        store.storage.lease(resource).await.expect("read").map(|lease| lease.lease_until)
    };
    assert_eq!(until("lane:x").await, Some(at(1_025_000)));
    assert_eq!(until("lane:y").await, Some(at(1_025_000)));
    assert_eq!(until("lane:z").await, Some(LeaseRow::GIVEN_BACK));
    assert_eq!(until("lane:w").await, Some(at(1_015_000)));
    assert_eq!(until("account:x").await, Some(at(1_015_000)));
    store.apply([renew(Leases::Of("account:x".to_owned()))]).await;
    assert_eq!(until("account:x").await, Some(at(1_025_000)));
    assert_eq!(until("account:x:y").await, Some(at(1_015_000)));
}

/// Another's lease cannot be given back.
pub async fn a_lease_given_back_is_free_and_its_fence_stays(store: &Fixture) {
    let lease = taken(store, "lane:x", "one").await;
    let foreign = Fence { owner: "two".to_owned(), ..Fence::from(&lease) };
    let stale = Fence { fence: 0, ..Fence::from(&lease) };
    store.apply([Write::ReleaseLease(foreign), Write::ReleaseLease(stale)]).await;
    assert_eq!(store.storage.lease("lane:x").await.expect("read"), Some(lease.clone()));
    store.apply([Write::ReleaseLease(Fence::from(&lease))]).await;
    let lost = Conflict::FenceLost { resource: "lane:x".to_owned() };
    assert_eq!(store.refused_batch(fenced(&lease)).await, lost);
    assert_eq!(taken(store, "lane:x", "two").await.fence, 2);
}

/// Also when its time has run out and nobody came; all fences of a batch must hold.
pub async fn a_fence_holds_until_another_takes_the_lease(store: &Fixture) {
    let lease = taken(store, "lane:x", "one").await;
    let other = taken(store, "lane:y", "one").await;
    store.storage.apply(fenced(&lease)).await.expect("accepted");
    store.clock.advance(TTL * 2);
    let both = fenced(&lease).fenced(Fence::from(&other));
    store.storage.apply(both.clone()).await.expect("accepted");
    taken(store, "lane:y", "two").await;
    let lost = Conflict::FenceLost { resource: "lane:y".to_owned() };
    assert_eq!(store.refused_batch(both).await, lost);
    store.storage.apply(fenced(&lease)).await.expect("accepted");
    let unknown = Fence { resource: "lane:z".to_owned(), ..Fence::from(&lease) };
    let lost = Conflict::FenceLost { resource: "lane:z".to_owned() };
    assert_eq!(store.refused_batch(Batch::new().fenced(unknown)).await, lost);
}

/// With its fence, and until when the lease ran as it was taken.
pub async fn a_taken_row_names_its_owner(store: &Fixture) {
    let lane = taken(store, &format!("lane:{}", session_key("a")), "one").await;
    let account = taken(store, "account:telegram", "one").await;
    store
        .apply([
            Write::AcceptInput(Box::new(input("a", "1"))),
            Write::Enqueue(Box::new(outbox("1", "42"))),
        ])
        .await;
    let change = InputChange {
        owner: Some(("one".to_owned(), lane.fence)),
        ..InputChange::new(
            inbox_id("1"),
            vec![InputState::Waiting],
            InputState::Running,
            RunStatus::Running,
            at(3_000),
        )
    };
    let sending = OutboxChange {
        owner: Some(("one".to_owned(), account.fence)),
        ..OutboxChange::new(
            outbox_id("1"),
            vec![OutboxState::Pending],
            OutboxState::Sending,
            at(3_000),
        )
    };
    store
        .apply([Write::ChangeInput(Box::new(change)), Write::ChangeOutbox(Box::new(sending))])
        .await;
    let input = store.storage.input(&inbox_id("1")).await.expect("read").expect("there");
    let owner = (input.owner.as_deref(), input.fence, input.lease_until);
    assert_eq!(owner, (Some("one"), Some(1), Some(lane.lease_until)));
    let row = store.storage.outbox(&outbox_id("1")).await.expect("read").expect("there");
    let owner = (row.owner.as_deref(), row.fence, row.lease_until);
    assert_eq!(owner, (Some("one"), Some(1), Some(account.lease_until)));
    let without_lease = InputChange {
        owner: Some(("two".to_owned(), 9)),
        ..InputChange::new(
            inbox_id("1"),
            vec![InputState::Running],
            InputState::Running,
            RunStatus::Running,
            at(4_000),
        )
    };
    store.apply([Write::ChangeInput(Box::new(without_lease))]).await;
    let input = store.storage.input(&inbox_id("1")).await.expect("read").expect("there");
    let owner = (input.owner.as_deref(), input.fence, input.lease_until);
    assert_eq!(owner, (Some("two"), Some(9), None));
}

/// What this gateway holds, what nobody holds any more, and what nobody came for.
pub async fn what_no_other_gateway_works_on_is_found(store: &Fixture) {
    let names = ["own", "others", "run-out", "given-back", "new"];
    for name in names {
        let mut new = input(name, name);
        new.at = at(if name == "new" { 9_000 } else { 2_000 });
        store.apply([Write::AcceptInput(Box::new(new))]).await;
    }
    let lane = |name: &str| format!("lane:{}", session_key(name));
    taken(store, &lane("run-out"), "two").await;
    store.clock.advance(TTL);
    let given_back = taken(store, &lane("given-back"), "two").await;
    store.apply([Write::ReleaseLease(Fence::from(&given_back))]).await;
    taken(store, &lane("others"), "two").await;
    taken(store, &lane("own"), "one").await;
    let found = async |owner: &str, since: i64| {
        let keys = store.storage.unattended_keys(owner, at(since)).await.expect("read");
        keys.into_iter().map(|key| key.to_string()).collect::<Vec<_>>()
    };
    let keys = |names: &[&str]| names.iter().map(|name| session_key(name).to_string()).collect();
    let expected: Vec<String> = keys(&["own", "run-out", "given-back"]);
    assert_eq!(found("one", 5_000).await, expected);
    let expected: Vec<String> = keys(&["own", "run-out"]);
    assert_eq!(found("one", 1_000).await, expected);
    let expected: Vec<String> = keys(&["others", "run-out", "given-back", "new"]);
    assert_eq!(found("two", 10_000).await, expected);
}
