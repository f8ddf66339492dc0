use openclaw_protocol::typescript::WireError;
use openclaw_protocol::typescript::params::{CronListParams, Nothing};
use serde_json::{Value, json};

use super::{Call, status};

pub(super) async fn list(call: Call<'_>) -> Result<Value, WireError> {
    let _: CronListParams = call.params()?;
    Ok(json!({ "jobs": [] }))
}

pub(super) async fn status(call: Call<'_>) -> Result<Value, WireError> {
    let _: Nothing = call.params()?;
    let path = status::store_path(call.state, call.scopes());
    Ok(json!({ "enabled": false, "storePath": path, "jobs": 0, "nextWakeAtMs": null }))
}
