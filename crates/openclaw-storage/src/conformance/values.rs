//! Values the gateway keeps for itself.

use openclaw_core::MessageContent;

use super::{Fixture, entry, message_id, session};
use crate::{Conflict, Write};

fn put(key: &str, value: &str, expect: Option<Option<&str>>) -> Write {
    Write::PutValue {
        key: key.to_owned(),
        value: value.to_owned(),
        expect: expect.map(|value| value.map(ToOwned::to_owned)),
    }
}

/// Deleting a missing one is no error.
pub async fn a_value_is_put_read_and_deleted(store: &Fixture) {
    let read = async || store.storage.value("k").await.expect("read");
    assert_eq!(read().await, None);
    store.apply([put("k", "1", None)]).await;
    store.apply([put("k", "2", None)]).await;
    assert_eq!(read().await.as_deref(), Some("2"));
    let delete = || Write::DeleteValue { key: "k".to_owned() };
    store.apply([delete()]).await;
    store.apply([delete()]).await;
    assert_eq!(read().await, None);
}

/// "None" is a value to expect too.
pub async fn a_value_is_put_only_over_the_expected_one(store: &Fixture) {
    let changed = Conflict::ValueChanged { key: "k".to_owned() };
    assert_eq!(store.refused([put("k", "1", Some(Some("0")))]).await, changed);
    store.apply([put("k", "1", Some(None))]).await;
    assert_eq!(store.refused([put("k", "2", Some(None))]).await, changed);
    assert_eq!(store.refused([put("k", "2", Some(Some("0")))]).await, changed);
    store.apply([put("k", "2", Some(Some("1")))]).await;
    assert_eq!(store.storage.value("k").await.expect("read").as_deref(), Some("2"));
}

/// In the order of their keys.
pub async fn values_are_listed_by_prefix(store: &Fixture) {
    for key in ["b:2", "a:1", "b:1", "b:ä", "b", "c"] {
        store.apply([put(key, key, None)]).await;
    }
    let listed = async |prefix| -> Vec<String> {
        let values = store.storage.values(prefix).await.expect("read");
        values.into_iter().map(|(key, _)| key).collect()
    };
    assert_eq!(listed("b:").await, ["b:1", "b:2", "b:ä"]);
    assert_eq!(listed("").await.len(), 6);
    assert!(listed("%").await.is_empty());
}

/// Ingress replaces it; what holds it all the same is kept as it is.
pub async fn text_with_nul_is_kept(store: &Fixture) {
    let text = "a\u{0}b";
    store.apply([put("k", text, None)]).await;
    assert_eq!(store.storage.value("k").await.expect("read").as_deref(), Some(text));
    let mut named = session("a");
    named.label = Some(text.to_owned());
    let mut said = entry("a", "1");
    if let Some(message) = &mut said.message {
        message.content = MessageContent::text(text);
    }
    store
        .apply([Write::CreateSession(Box::new(named.clone())), Write::Append(Box::new(said))])
        .await;
    let read = store.storage.session(&named.id).await.expect("read").expect("there");
    assert_eq!(read.label.as_deref(), Some(text));
    let message = store.storage.message(&message_id("1")).await.expect("read").expect("there");
    assert_eq!(message.content, MessageContent::text(text));
}
