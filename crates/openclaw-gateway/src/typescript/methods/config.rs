use openclaw_errors::ErrorKind;
use openclaw_protocol::methods::{ConfigGet, ConfigGetParams, ConfigSchema, NoParams};
use openclaw_protocol::typescript::WireError;
use openclaw_protocol::typescript::params::{ConfigApplyParams, ConfigSetParams, Nothing};
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};

use super::Call;
use crate::lifecycle::ReloadOutcome;

/// What stands for a secret; writing it back leaves the secret as it is.
const REDACTED: &str = "__OPENCLAW_REDACTED__";
/// The same for clients of this gateway's own protocol.
const MASK: &str = "***";

/// The configuration as these clients read it.
struct Shown {
    value: Value,
    raw: String,
    hash: String,
    path: String,
    exists: bool,
}

async fn shown(call: Call<'_>) -> Result<Shown, WireError> {
    let found = call.of::<ConfigGet>(ConfigGetParams { key: None }).await?;
    let value = masked(without_nulls(found.value));
    let raw = serde_json::to_string_pretty(&value).map_err(|error| {
        WireError::unavailable(format!("the configuration has no JSON: {error}"))
    })?;
    let hash = hex::encode(Sha256::digest(raw.as_bytes()));
    let exists = found.file.is_some();
    let default =
        || call.state.config.current().state_dir.join("openclaw.toml").display().to_string();
    Ok(Shown { value, raw, hash, exists, path: found.file.unwrap_or_else(default) })
}

pub(super) async fn get(call: Call<'_>) -> Result<Value, WireError> {
    let _: Nothing = call.params()?;
    let shown = shown(call).await?;
    let problem = call.state.config.problem();
    let issues: Vec<Value> = problem
        .iter()
        .flat_map(|problem| &problem.errors)
        .map(|error| json!({ "path": "", "message": error }))
        .collect();
    Ok(json!({
        "path": shown.path,
        "exists": shown.exists,
        "raw": shown.raw,
        "parsed": shown.value,
        "resolved": shown.value,
        "valid": issues.is_empty(),
        "config": shown.value,
        "hash": shown.hash,
        "issues": issues,
        "warnings": [],
        "legacyIssues": [],
    }))
}

pub(super) async fn schema(call: Call<'_>) -> Result<Value, WireError> {
    let _: Nothing = call.params()?;
    let schema = call.of::<ConfigSchema>(NoParams {}).await?.schema;
    let now = call.state.clock.now().to_string();
    Ok(json!({
        "schema": schema,
        "uiHints": hints(&shown(call).await?.value),
        "version": call.state.identity.version,
        "generatedAt": now,
    }))
}

/// Which values are secrets.
fn hints(value: &Value) -> Map<String, Value> {
    let mut hints = Map::new();
    walk(value, &mut String::new(), &mut |path, leaf| {
        if leaf == REDACTED {
            hints.insert(path.to_owned(), json!({ "sensitive": true }));
        }
    });
    hints
}

fn walk(value: &Value, path: &mut String, see: &mut impl FnMut(&str, &Value)) {
    match value {
        Value::Object(map) => {
            for (key, value) in map {
                let length = path.len();
                if !path.is_empty() {
                    path.push('.');
                }
                path.push_str(key);
                walk(value, path, see);
                path.truncate(length);
            }
        }
        leaf => see(path, leaf),
    }
}

pub(super) async fn set(call: Call<'_>) -> Result<Value, WireError> {
    let params: ConfigSetParams = call.params()?;
    let (told, _) = replace(call, &params.raw, params.base_hash.as_deref()).await?;
    Ok(told)
}

pub(super) async fn apply(call: Call<'_>) -> Result<Value, WireError> {
    let params: ConfigApplyParams = call.params()?;
    let (told, outcome) = replace(call, &params.raw, params.base_hash.as_deref()).await?;
    Ok(with_restart(told, &outcome))
}

pub(super) async fn patch(call: Call<'_>) -> Result<Value, WireError> {
    let params: ConfigApplyParams = call.params()?;
    let before = checked(call, params.base_hash.as_deref()).await?;
    let patch = parse(&params.raw)?;
    if !patch.is_object() {
        return Err(WireError::invalid("config.patch raw must be an object"));
    }
    let mut after = before.value.clone();
    merge(&mut after, patch);
    let (told, outcome) = write(call, &before, &after).await?;
    Ok(with_restart(told, &outcome))
}

fn with_restart(mut told: Value, outcome: &ReloadOutcome) -> Value {
    told["restart"] = json!({
        "ok": true,
        "scheduled": false,
        "needed": !outcome.needs_restart.is_empty(),
        "keys": outcome.needs_restart,
    });
    told["sentinel"] = Value::Null;
    told
}

async fn replace(
    call: Call<'_>,
    raw: &str,
    base_hash: Option<&str>,
) -> Result<(Value, ReloadOutcome), WireError> {
    let before = checked(call, base_hash).await?;
    let after = parse(raw)?;
    if !after.is_object() {
        return Err(WireError::invalid("raw must be an object"));
    }
    write(call, &before, &after).await
}

fn parse(raw: &str) -> Result<Value, WireError> {
    serde_json::from_str(raw)
        .map_err(|error| WireError::invalid(format!("raw is no JSON: {error}")))
}

/// The configuration, unless it changed since the client read it.
async fn checked(call: Call<'_>, base_hash: Option<&str>) -> Result<Shown, WireError> {
    let before = shown(call).await?;
    match base_hash.map(str::trim).filter(|hash| !hash.is_empty()) {
        None if before.exists => {
            Err(WireError::invalid("config base hash required; re-run config.get and retry"))
        }
        Some(hash) if hash != before.hash => {
            Err(WireError::invalid("config changed since last load; re-run config.get and retry"))
        }
        None | Some(_) => Ok(before),
    }
}

async fn write(
    call: Call<'_>,
    before: &Shown,
    after: &Value,
) -> Result<(Value, ReloadOutcome), WireError> {
    let mut changes = Vec::new();
    difference(&before.value, after, &mut String::new(), &mut changes);
    let outcome = change(call, changes).await?;
    let after = shown(call).await?;
    Ok((json!({ "ok": true, "path": after.path, "config": after.value }), outcome))
}

/// Writes keys to the file, all or none, and puts them in force.
pub(super) async fn change(
    call: Call<'_>,
    changes: Vec<(String, Option<Value>)>,
) -> Result<ReloadOutcome, WireError> {
    if changes.is_empty() {
        return Ok(ReloadOutcome::default());
    }
    refuse_masks(&changes)?;
    let author = format!("rpc: {}", call.caller.principal_name());
    let source = call.state.config.source()?;
    source.change(&changes, &author).await.map_err(|error| match error.kind() {
        ErrorKind::Config => WireError::invalid("invalid config")
            .with_details(json!({ "issues": [{ "path": "", "message": error.message() }] })),
        _ => WireError::from(&error),
    })?;
    Ok(call.state.config.reload().await?)
}

/// What stands for a secret is none: it would be written as one.
fn refuse_masks(changes: &[(String, Option<Value>)]) -> Result<(), WireError> {
    match changes.iter().find(|(_, value)| value.as_ref().is_some_and(holds_mask)) {
        Some((key, _)) => Err(WireError::invalid(format!(
            "{key}: give the secret itself, it cannot be copied from where it was"
        ))),
        None => Ok(()),
    }
}

fn holds_mask(value: &Value) -> bool {
    match value {
        Value::String(text) => text == MASK || text.contains(REDACTED),
        Value::Array(items) => items.iter().any(holds_mask),
        Value::Object(map) => map.values().any(holds_mask),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

/// The keys that differ, with their new values.
fn difference(
    before: &Value,
    after: &Value,
    path: &mut String,
    changes: &mut Vec<(String, Option<Value>)>,
) {
    match (before, after) {
        (Value::Object(old), Value::Object(new)) => {
            for key in old.keys().filter(|key| !new.contains_key(*key)) {
                changes.push((joined(path, key), None));
            }
            for (key, value) in new {
                let length = path.len();
                let whole = joined(path, key);
                path.replace_range(.., &whole);
                match old.get(key) {
                    Some(present) => difference(present, value, path, changes),
                    None if value.is_null() => {}
                    None => difference(&Value::Object(Map::new()), value, path, changes),
                }
                path.truncate(length);
            }
        }
        (Value::Object(old), value) if old.is_empty() => {
            changes.push((path.clone(), Some(value.clone())));
        }
        (_, Value::Null) => changes.push((path.clone(), None)),
        (old, new) if old == new => {}
        (Value::Array(old), Value::Array(new)) if is_grown(old, new) => {
            for (index, value) in new.iter().enumerate() {
                let none = Value::Object(Map::new());
                let before = old.get(index).unwrap_or(&none);
                difference(before, value, &mut format!("{path}[{index}]"), changes);
            }
        }
        (_, new) => changes.push((path.clone(), Some(new.clone()))),
    }
}

/// Whether a list of tables with ids has kept its tables where they were: each is then changed by
/// itself, so that what it does not say, its secrets among it, stays as it is in the file.
fn is_grown(old: &[Value], new: &[Value]) -> bool {
    let id = |value: &Value| value.get("id").and_then(Value::as_str).map(str::to_owned);
    let are_named = new.iter().all(|value| id(value).is_some());
    are_named
        && !old.is_empty()
        && old.len() <= new.len()
        && old.iter().zip(new).all(|(old, new)| id(old) == id(new))
}

/// A dotted key; a name that has no plain form is quoted.
fn joined(path: &str, key: &str) -> String {
    let is_plain =
        !key.is_empty() && key.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-'));
    let key = if is_plain { key.to_owned() } else { format!("\"{}\"", key.replace('"', "")) };
    if path.is_empty() { key } else { format!("{path}.{key}") }
}

/// A JSON merge patch: null removes, arrays replace.
fn merge(target: &mut Value, patch: Value) {
    match patch {
        Value::Object(patch) => {
            if !target.is_object() {
                *target = Value::Object(Map::new());
            }
            let Some(target) = target.as_object_mut() else { return };
            for (key, value) in patch {
                if value.is_null() {
                    target.shift_remove(&key);
                } else {
                    merge(target.entry(key).or_insert(Value::Null), value);
                }
            }
        }
        value => *target = value,
    }
}

fn masked(value: Value) -> Value {
    match value {
        Value::String(text) if text == MASK => Value::from(REDACTED),
        Value::Array(items) => Value::Array(items.into_iter().map(masked).collect()),
        Value::Object(map) => {
            Value::Object(map.into_iter().map(|(key, value)| (key, masked(value))).collect())
        }
        other => other,
    }
}

fn without_nulls(value: Value) -> Value {
    match value {
        Value::Array(items) => Value::Array(items.into_iter().map(without_nulls).collect()),
        Value::Object(map) => Value::Object(
            map.into_iter()
                .filter(|(_, value)| !value.is_null())
                .map(|(key, value)| (key, without_nulls(value)))
                .collect(),
        ),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::{MASK, REDACTED, difference, masked, merge, refuse_masks};
    use proptest::prelude::*;
    use serde_json::{Value, json};

    fn changes(before: &Value, after: &Value) -> Vec<(String, Option<Value>)> {
        let mut changes = Vec::new();
        difference(before, after, &mut String::new(), &mut changes);
        changes
    }

    #[test]
    fn only_what_differs_is_written() {
        let before =
            json!({"gateway": {"port": 1, "auth": {"token": REDACTED}}, "tools": {"allow": ["*"]}});
        let mut after = before.clone();
        after["gateway"]["port"] = json!(2);
        after["channels"] = json!({"telegram": {"groups": {"-1 0": {"agent": "x"}}}});
        after.as_object_mut().expect("an object").shift_remove("tools");
        assert_eq!(
            changes(&before, &after),
            [
                ("tools".to_owned(), None),
                ("gateway.port".to_owned(), Some(json!(2))),
                ("channels.telegram.groups.\"-1 0\".agent".to_owned(), Some(json!("x"))),
            ]
        );
        assert!(changes(&before, &before).is_empty());
    }

    #[test]
    fn a_patch_merges_and_null_removes() {
        let mut value = json!({"a": {"b": 1, "c": [1, 2]}, "d": 1});
        merge(&mut value, json!({"a": {"b": null, "c": [3]}, "e": {"f": {"g": null, "h": 1}}}));
        assert_eq!(value, json!({"a": {"c": [3]}, "d": 1, "e": {"f": {"h": 1}}}));
    }

    #[test]
    fn what_stands_for_a_secret_is_never_written_as_one() {
        let before = json!({
            "a": {"token": REDACTED, "plain": "x"},
            "list": [{"secret": REDACTED}],
            "named": [{"id": "m", "secret": REDACTED}],
        });
        let refusal = |after: &Value| {
            let refused = refuse_masks(&changes(&before, after)).err();
            refused.map(|refused| refused.message)
        };
        let told = |key: &str| {
            Some(format!("{key}: give the secret itself, it cannot be copied from where it was"))
        };
        assert_eq!(refusal(&before), None);
        for mask in [REDACTED, MASK] {
            let mut renamed = before.clone();
            renamed["b"] = json!({"token": mask});
            assert_eq!(refusal(&renamed), told("b.token"));
            let mut changed = before.clone();
            changed["list"] = json!([{"secret": mask, "more": 1}]);
            assert_eq!(refusal(&changed), told("list"));
            let mut moved = before.clone();
            moved["a"]["plain"] = json!(mask);
            assert_eq!(refusal(&moved), told("a.plain"));
            let mut appended = before.clone();
            appended["named"] = json!([before["named"][0], {"id": "n", "secret": mask}]);
            assert_eq!(refusal(&appended), told("named[1].secret"));
            let mut swapped = before.clone();
            swapped["named"] = json!([{"id": "n", "secret": mask}]);
            assert_eq!(refusal(&swapped), told("named"));
        }
        let mut kept = before.clone();
        kept["named"][0]["text"] = json!("y");
        assert_eq!(changes(&before, &kept), [("named[0].text".to_owned(), Some(json!("y")))]);
        assert_eq!(refusal(&kept), None);
    }

    #[test]
    fn secrets_are_never_told() {
        assert_eq!(masked(json!({"a": ["***"], "b": "x"})), json!({"a": [REDACTED], "b": "x"}));
    }

    fn values() -> impl Strategy<Value = Value> {
        let leaf =
            prop_oneof![any::<i32>().prop_map(|n| json!(n)), "[a-z]{0,4}".prop_map(|s| json!(s))];
        leaf.prop_recursive(3, 12, 3, |inner| {
            prop::collection::btree_map("[a-z]{1,3}", inner, 0..3).prop_map(|map| json!(map))
        })
    }

    proptest! {
        /// Writing the differences over what was there gives what was wanted.
        #[test]
        fn differences_lead_there(before in values(), after in values()) {
            let (before, after) = (json!({"top": before}), json!({"top": after}));
            let mut written = before.clone();
            for (key, value) in changes(&before, &after) {
                let names: Vec<&str> = key.split('.').collect();
                let (last, parents) = names.split_last().expect("at least one");
                let mut at = &mut written;
                for name in parents {
                    if !at[*name].is_object() {
                        at[*name] = json!({});
                    }
                    at = &mut at[*name];
                }
                match value {
                    Some(value) => at[*last] = value,
                    None => {
                        at.as_object_mut().expect("an object").shift_remove(*last);
                    }
                }
            }
            // A table without keys is as good as none.
            prop_assert_eq!(pruned(written), pruned(after));
        }
    }

    fn pruned(value: Value) -> Value {
        match value {
            Value::Object(map) => {
                let kept: serde_json::Map<_, _> = map
                    .into_iter()
                    .map(|(key, value)| (key, pruned(value)))
                    .filter(|(_, value)| value != &json!({}))
                    .collect();
                let mut sorted: Vec<_> = kept.into_iter().collect();
                sorted.sort_by(|a, b| a.0.cmp(&b.0));
                Value::Object(sorted.into_iter().collect())
            }
            other => other,
        }
    }
}
