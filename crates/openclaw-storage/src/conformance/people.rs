//! Users and pairings.

use serde_json::json;

use super::{Fixture, at, channel, user_id};
use crate::rows::{PairingRow, UserRow};
use crate::{Conflict, Write};

fn user(name: &str) -> UserRow {
    UserRow {
        channel_id: channel("telegram"),
        channel_user_id: user_id(name),
        global_user_id: None,
        display_name: Some("Ada".to_owned()),
        metadata: None,
        created_at: at(1_000),
    }
}

/// The rest is overwritten.
pub async fn a_user_keeps_when_it_was_first_seen(store: &Fixture) {
    let storage = &store.storage;
    let read = async || storage.user(&channel("telegram"), &user_id("7")).await.expect("read");
    assert_eq!(read().await, None);
    store.apply([Write::UpsertUser(user("7"))]).await;
    assert_eq!(read().await, Some(user("7")));
    let later = UserRow {
        global_user_id: Some("ada".to_owned()),
        display_name: None,
        metadata: Some(json!({"language": "de"})),
        created_at: at(9_000),
        ..user("7")
    };
    store.apply([Write::UpsertUser(later.clone())]).await;
    assert_eq!(read().await, Some(UserRow { created_at: at(1_000), ..later.clone() }));
    store.apply([Write::UpsertUser(later.clone())]).await;
    assert_eq!(read().await, Some(UserRow { created_at: at(1_000), ..later }));
    assert_eq!(storage.user(&channel("discord"), &user_id("7")).await.expect("read"), None);
}

fn request(name: &str, code: &str, millis: i64) -> Write {
    Write::RequestPairing {
        channel_id: channel("telegram"),
        user_id: user_id(name),
        display_name: Some(format!("name of {name}")),
        code: code.to_owned(),
        expires_at: at(millis + 1_000),
        at: at(millis),
    }
}

fn approve(name: &str, owner: bool, millis: i64) -> Write {
    Write::ApprovePairing {
        channel_id: channel("telegram"),
        user_id: user_id(name),
        owner,
        at: at(millis),
    }
}

fn requested(name: &str, code: &str, millis: i64) -> PairingRow {
    PairingRow {
        channel_id: channel("telegram"),
        user_id: user_id(name),
        display_name: Some(format!("name of {name}")),
        code: Some(code.to_owned()),
        expires_at: Some(at(millis + 1_000)),
        approved_at: None,
        is_owner: false,
        denied: 1,
        created_at: at(millis),
    }
}

async fn pairing(store: &Fixture, name: &str) -> Option<PairingRow> {
    store.storage.pairing(&channel("telegram"), &user_id(name)).await.expect("read")
}

/// Once approved, the code is gone and further requests change nothing.
pub async fn pairing_goes_from_request_to_approval(store: &Fixture) {
    assert_eq!(pairing(store, "7").await, None);
    store.apply([request("7", "AAAA", 1_000)]).await;
    let asked = requested("7", "AAAA", 1_000);
    assert_eq!(pairing(store, "7").await, Some(asked.clone()));
    let storage = &store.storage;
    let by_code = async |millis| storage.pairing_by_code("AAAA", at(millis)).await.expect("read");
    assert_eq!(by_code(1_999).await, Some(asked.clone()));
    assert_eq!(by_code(2_000).await, None);
    store.apply([approve("7", false, 1_500)]).await;
    let approved =
        PairingRow { code: None, expires_at: None, approved_at: Some(at(1_500)), ..asked };
    assert_eq!(pairing(store, "7").await, Some(approved.clone()));
    assert_eq!(by_code(1_500).await, None);
    store.apply([request("7", "BBBB", 5_000)]).await;
    assert_eq!(pairing(store, "7").await, Some(approved));
}

/// Each message of an unknown person is counted.
pub async fn a_pending_code_is_kept_until_it_expires(store: &Fixture) {
    store.apply([request("7", "AAAA", 1_000)]).await;
    store.apply([request("7", "BBBB", 1_900)]).await;
    let kept = PairingRow { denied: 2, ..requested("7", "AAAA", 1_000) };
    assert_eq!(pairing(store, "7").await, Some(kept.clone()));
    let nameless = Write::RequestPairing {
        channel_id: channel("telegram"),
        user_id: user_id("7"),
        display_name: None,
        code: "CCCC".to_owned(),
        expires_at: at(3_000),
        at: at(2_000),
    };
    store.apply([nameless]).await;
    let renewed = PairingRow {
        denied: 3,
        code: Some("CCCC".to_owned()),
        expires_at: Some(at(3_000)),
        ..kept
    };
    assert_eq!(pairing(store, "7").await, Some(renewed));
}

/// Being approved again without it takes nothing away.
pub async fn an_owner_stays_an_owner(store: &Fixture) {
    store.apply([request("7", "AAAA", 1_000), approve("7", true, 2_000)]).await;
    store.apply([approve("7", false, 3_000)]).await;
    let row = pairing(store, "7").await.expect("there");
    assert_eq!((row.is_owner, row.approved_at), (true, Some(at(2_000))));
    store.apply([request("8", "BBBB", 1_000), approve("8", false, 2_000)]).await;
    store.apply([approve("8", true, 3_000)]).await;
    let row = pairing(store, "8").await.expect("there");
    assert_eq!((row.is_owner, row.approved_at), (true, Some(at(2_000))));
}

/// The list is oldest first, of one channel or of all.
pub async fn a_person_is_removed(store: &Fixture) {
    let elsewhere = Write::RequestPairing {
        channel_id: channel("discord"),
        user_id: user_id("1"),
        display_name: None,
        code: "DDDD".to_owned(),
        expires_at: at(9_000),
        at: at(1_500),
    };
    store.apply([request("7", "AAAA", 2_000), request("8", "BBBB", 1_000), elsewhere]).await;
    let people = async |of: Option<&str>| -> Vec<String> {
        let of = of.map(channel);
        let rows = store.storage.pairings(of.as_ref()).await.expect("read");
        rows.iter().map(|row| format!("{}/{}", row.channel_id, row.user_id)).collect()
    };
    assert_eq!(people(None).await, ["telegram/8", "discord/1", "telegram/7"]);
    assert_eq!(people(Some("telegram")).await, ["telegram/8", "telegram/7"]);
    let remove = || Write::RemovePairing { channel_id: channel("telegram"), user_id: user_id("8") };
    store.apply([remove()]).await;
    store.apply([remove()]).await;
    assert_eq!(people(None).await, ["discord/1", "telegram/7"]);
}

/// There is no row to approve.
pub async fn approving_somebody_who_never_asked_is_missing(store: &Fixture) {
    let missing = Conflict::Missing { what: "pairing", id: "telegram/7".to_owned() };
    assert_eq!(store.refused([approve("7", true, 1_000)]).await, missing);
}
