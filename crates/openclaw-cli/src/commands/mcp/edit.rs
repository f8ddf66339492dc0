use openclaw_config::{ConfigErrors, EditError, Editor, LoadRequest, config_file};
use openclaw_core::SystemClock;
use openclaw_errors::OpenClawError;
use serde_json::json;

use super::{loaded, server};
use crate::compose::Channels;
use crate::context::Context;
use crate::exit::Failure;

pub(super) fn remove(context: &Context, name: &str) -> Result<(), Failure> {
    server(&loaded(context)?.config, name)?;
    let key = key(name);
    change(context, &format!("{name} is removed"), |editor| {
        editor.allow_dropping("mcp");
        editor.unset(&key)
    })
}

pub(super) fn enable(context: &Context, name: &str, enabled: bool) -> Result<(), Failure> {
    server(&loaded(context)?.config, name)?;
    let done = format!("{name} is {}", if enabled { "enabled" } else { "disabled" });
    change(context, &done, |editor| {
        editor.set(&format!("{}.enabled", key(name)), if enabled { "true" } else { "false" })
    })
}

/// The dotted key of a server.
pub(super) fn key(name: &str) -> String {
    format!("mcp.servers.{name}")
}

/// Changes the file, if the result loads.
pub(super) fn change(
    context: &Context,
    done: &str,
    change: impl FnOnce(&mut Editor) -> Result<(), EditError>,
) -> Result<(), Failure> {
    let mut editor = Editor::open(&context.environment).map_err(failure)?;
    change(&mut editor).map_err(failure)?;
    let channels = Channels::all();
    let request = LoadRequest::new(&context.environment, &channels);
    let committed = editor.commit(&request, "openclaw mcp", &SystemClock).map_err(failure)?;
    for warning in &committed.warnings {
        context.output.note(&format!("warning: {warning}"));
    }
    let file = config_file(&context.environment);
    let result = json!({ "file": file, "changed": committed.changed_keys });
    context.output.result(&result, || format!("{done} ({})", file.display()))
}

fn failure(error: EditError) -> Failure {
    match error {
        EditError::Invalid(errors) => Failure::from(ConfigErrors::clone(&errors)),
        other => Failure::from(OpenClawError::from(other)),
    }
}
