use std::process::Command;

use clap::{Args, Subcommand};
use openclaw_config::{ConfigErrors, Editor, LoadRequest, Loaded, config_file, load, schema};
use openclaw_core::SystemClock;
use openclaw_errors::OpenClawError;
use serde_json::{Value, json};

use crate::compose::Channels;
use crate::context::Context;
use crate::exit::Failure;
use crate::logging;

#[derive(Debug, Subcommand)]
pub(crate) enum ConfigCommand {
    /// Show the configuration in force, defaults included; secrets are masked.
    Show,
    /// Show one key of it.
    Get(KeyArguments),
    /// Write one key to the file, keeping its comments.
    Set(SetArguments),
    /// Remove one key from the file.
    Unset(KeyArguments),
    /// Open the file in $VISUAL or $EDITOR; a result that would not load is not written.
    Edit,
    /// Check the file and say everything that is wrong with it.
    Validate,
    /// Print the JSON Schema of the file.
    Schema,
}

#[derive(Debug, Args)]
pub(crate) struct KeyArguments {
    /// A dotted key, such as `gateway.port`.
    key: String,
}

#[derive(Debug, Args)]
pub(crate) struct SetArguments {
    /// A dotted key, such as `agents.model` or `channels.telegram.groups."-100".agent`.
    key: String,
    /// A TOML value; what is none is taken as a string.
    #[arg(allow_hyphen_values = true)]
    value: String,
}

pub(crate) fn run(context: &Context, command: ConfigCommand) -> Result<(), Failure> {
    logging::start("warn", context.environment.var("OPENCLAW_LOG"), context.verbose);
    match command {
        ConfigCommand::Show => show(context),
        ConfigCommand::Get(arguments) => get(context, &arguments.key),
        ConfigCommand::Set(arguments) => {
            edit(context, |editor| editor.set(&arguments.key, &arguments.value))
        }
        ConfigCommand::Unset(arguments) => edit(context, |editor| editor.unset(&arguments.key)),
        ConfigCommand::Edit => edit_by_hand(context),
        ConfigCommand::Validate => validate(context),
        ConfigCommand::Schema => {
            let text = serde_json::to_string_pretty(&schema(&Channels::all()))
                .map_err(|error| Failure::failed(error.to_string()))?;
            context.output.line(&text)
        }
    }
}

fn loaded(context: &Context) -> Result<Loaded, Failure> {
    let channels = Channels::all();
    Ok(load(&LoadRequest::new(&context.environment, &channels))?)
}

fn show(context: &Context) -> Result<(), Failure> {
    let loaded = loaded(context)?;
    context.output.result(loaded.effective(), || loaded.effective_toml())
}

fn get(context: &Context, key: &str) -> Result<(), Failure> {
    let loaded = loaded(context)?;
    let value = loaded.get(key).map_err(|error| Failure::usage(error.to_string()))?;
    let Some(value) = value else {
        return Err(OpenClawError::not_found(format!("{key} has no value"))
            .with_hint("`openclaw config show` lists what has one")
            .into());
    };
    context.output.result(value, || match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    })
}

fn edit(
    context: &Context,
    change: impl FnOnce(&mut Editor) -> Result<(), openclaw_config::EditError>,
) -> Result<(), Failure> {
    let mut editor = Editor::open(&context.environment).map_err(failure)?;
    change(&mut editor).map_err(failure)?;
    commit(context, editor)
}

fn commit(context: &Context, editor: Editor) -> Result<(), Failure> {
    let channels = Channels::all();
    let request = LoadRequest::new(&context.environment, &channels);
    let committed = editor.commit(&request, "openclaw config", &SystemClock).map_err(failure)?;
    for warning in &committed.warnings {
        context.output.note(&format!("warning: {warning}"));
    }
    let file = config_file(&context.environment);
    let result = json!({ "file": file, "changed": committed.changed_keys });
    context.output.result(&result, || match committed.changed_keys.as_slice() {
        [] => "nothing changed".to_owned(),
        keys => format!("{} written to {}", keys.join(", "), file.display()),
    })
}

fn edit_by_hand(context: &Context) -> Result<(), Failure> {
    let mut editor = Editor::open(&context.environment).map_err(failure)?;
    let program =
        ["VISUAL", "EDITOR"].iter().find_map(|name| context.environment.var(name)).unwrap_or("vi");
    let folder = context.paths().root().to_owned();
    std::fs::create_dir_all(&folder)
        .map_err(|error| Failure::failed(format!("cannot make {}: {error}", folder.display())))?;
    let draft = folder.join(format!("openclaw.edit-{}.toml", std::process::id()));
    let io =
        |error: std::io::Error| Failure::failed(format!("cannot use {}: {error}", draft.display()));
    let before = std::fs::read_to_string(config_file(&context.environment)).unwrap_or_default();
    std::fs::write(&draft, &before).map_err(io)?;
    let mut words = program.split_whitespace();
    let status = Command::new(words.next().unwrap_or("vi")).args(words).arg(&draft).status();
    let outcome = match status {
        Ok(status) if status.success() => {
            std::fs::read_to_string(&draft).map_err(io).and_then(|text| {
                editor.replace(&text).map_err(failure)?;
                commit(context, editor)
            })
        }
        Ok(status) => {
            Err(Failure::failed(format!("{program} ended with {status}, nothing was written")))
        }
        Err(error) => Err(Failure::failed(format!("cannot start {program}: {error}"))
            .with_hint("set EDITOR to the editor you use")),
    };
    match outcome {
        Ok(()) => std::fs::remove_file(&draft).map_err(io),
        // What was typed is worth keeping until it loads.
        Err(failure) => Err(failure.with_hint(format!("your text is kept in {}", draft.display()))),
    }
}

fn validate(context: &Context) -> Result<(), Failure> {
    let channels = Channels::all();
    let file = config_file(&context.environment);
    match load(&LoadRequest::new(&context.environment, &channels)) {
        Ok(loaded) => {
            let warnings: Vec<String> = loaded.warnings.iter().map(ToString::to_string).collect();
            let result = json!({ "valid": true, "file": loaded.config.file, "warnings": warnings });
            context.output.result(&result, || {
                let mut lines = warnings
                    .iter()
                    .map(|warning| format!("warning: {warning}"))
                    .collect::<Vec<_>>();
                lines.push(match &loaded.config.file {
                    Some(file) => format!("{} is valid", file.display()),
                    None => format!("there is no {}; the defaults hold", file.display()),
                });
                lines.join("\n")
            })
        }
        Err(errors) => Err(errors.into()),
    }
}

fn failure(error: openclaw_config::EditError) -> Failure {
    match error {
        openclaw_config::EditError::Invalid(errors) => Failure::from(ConfigErrors::clone(&errors)),
        other => Failure::from(OpenClawError::from(other)),
    }
}
