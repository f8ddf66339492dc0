//! A way into the reading of updates, for the fuzz targets.

use crate::api::BotAccount;
use crate::parse::{event, group};
use crate::wire::Update;

/// Reads bytes as the updates of one answer.
pub fn updates(bytes: &[u8]) {
    let Ok(updates) = serde_json::from_slice::<Vec<serde_json::Value>>(bytes) else { return };
    let me = BotAccount { id: 99, username: Some("my_bot".to_owned()), first_name: None };
    let updates = updates.into_iter().filter_map(Update::read).collect();
    for group in group(updates) {
        drop(event(group, &me));
    }
}
