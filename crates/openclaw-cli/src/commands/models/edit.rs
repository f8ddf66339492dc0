use openclaw_config::{ConfigErrors, EditError, Editor, LoadRequest, config_file};
use openclaw_core::SystemClock;
use openclaw_errors::OpenClawError;
use openclaw_protocol::methods::{ConfigGet, ConfigGetParams, ConfigSet, ConfigSetParams};
use serde_json::{Value, json};

use super::Place;
use crate::compose::Channels;
use crate::context::Context;
use crate::exit::Failure;

/// One key of the configuration and its new value; null removes it.
pub(super) struct Change {
    key: String,
    value: Value,
}

impl Change {
    pub(super) fn set(key: impl Into<String>, value: Value) -> Self {
        Self { key: key.into(), value }
    }

    pub(super) fn remove(key: impl Into<String>) -> Self {
        Self { key: key.into(), value: Value::Null }
    }
}

/// Writes changes, and says what holds now.
pub(super) async fn apply(
    context: &Context,
    place: Place,
    changes: Vec<Change>,
    said: impl FnOnce() -> String,
) -> Result<(), Failure> {
    let keys: Vec<&str> = changes.iter().map(|change| change.key.as_str()).collect();
    let keys = json!(keys);
    let file = match place {
        Place::Gateway(client) => {
            let mut file = None;
            for Change { key, value } in changes {
                let written = client.call::<ConfigSet>(&ConfigSetParams { key, value }).await?;
                file = Some(written.file);
            }
            file
        }
        Place::Here(_) => Some(write(context, &changes)?),
    };
    context.output.result(&json!({ "file": file, "changed": keys }), said)
}

/// Writes this machine's file; a change that would not load is not written.
fn write(context: &Context, changes: &[Change]) -> Result<String, Failure> {
    let mut editor = Editor::open(&context.environment).map_err(failure)?;
    for Change { key, value } in changes {
        match value {
            Value::Null => editor.unset(key).map_err(failure)?,
            // Strings and lists of strings are the same in JSON and TOML.
            value => editor.set(key, &value.to_string()).map_err(failure)?,
        }
    }
    let channels = Channels::all();
    let request = LoadRequest::new(&context.environment, &channels);
    let committed = editor.commit(&request, "openclaw models", &SystemClock).map_err(failure)?;
    for warning in &committed.warnings {
        context.output.note(&format!("warning: {warning}"));
    }
    Ok(config_file(&context.environment).display().to_string())
}

fn failure(error: EditError) -> Failure {
    match error {
        EditError::Invalid(errors) => Failure::from(ConfigErrors::clone(&errors)),
        other => Failure::from(OpenClawError::from(other)),
    }
}

/// The value in force of a key of `[agents]` or `[models]`; null where it has none.
pub(super) async fn effective(place: &Place, section: &str, name: &str) -> Result<Value, Failure> {
    let whole = match place {
        Place::Gateway(client) => {
            client.call::<ConfigGet>(&ConfigGetParams::default()).await?.value
        }
        Place::Here(loaded) => loaded.effective().clone(),
    };
    Ok(whole[section][name].clone())
}
