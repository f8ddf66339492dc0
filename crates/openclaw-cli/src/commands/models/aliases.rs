use clap::{Args, Subcommand};
use openclaw_errors::OpenClawError;

use super::Place;
use super::edit::{Change, apply, effective};
use crate::context::Context;
use crate::exit::Failure;
use crate::output::table;

#[derive(Debug, Subcommand)]
pub(crate) enum AliasesCommand {
    /// List the short names.
    List,
    /// Give a model a short name, or another model to a name that is there.
    Add(AddArguments),
    /// Remove a short name.
    Remove(RemoveArguments),
}

#[derive(Debug, Args)]
pub(crate) struct AddArguments {
    /// The short name: letters, digits, _ - and .
    alias: String,
    /// provider/model.
    model: String,
}

#[derive(Debug, Args)]
pub(crate) struct RemoveArguments {
    /// The short name.
    alias: String,
}

pub(super) async fn run(
    context: &Context,
    place: Place,
    command: AliasesCommand,
) -> Result<(), Failure> {
    let known = effective(&place, "models", "aliases").await?;
    let known = known.as_object().cloned().unwrap_or_default();
    match command {
        AliasesCommand::List => context.output.result(&known, || {
            if known.is_empty() {
                return "no aliases: `openclaw models aliases add <alias> <model>`\n".to_owned();
            }
            let rows: Vec<Vec<String>> = known
                .iter()
                .map(|(alias, model)| {
                    vec![alias.clone(), model.as_str().unwrap_or_default().to_owned()]
                })
                .collect();
            table(&["ALIAS", "MODEL"], &rows)
        }),
        AliasesCommand::Add(AddArguments { alias, model }) => {
            let change = Change::set(key(&alias), model.as_str().into());
            apply(context, place, vec![change], || format!("{alias} stands for {model} now")).await
        }
        AliasesCommand::Remove(RemoveArguments { alias }) => {
            if !known.contains_key(&alias) {
                let listed = "`openclaw models aliases list` lists those there are";
                let error = OpenClawError::not_found(format!("there is no alias {alias:?}"));
                return Err(error.with_hint(listed).into());
            }
            let change = Change::remove(key(&alias));
            apply(context, place, vec![change], || format!("{alias} is removed")).await
        }
    }
}

/// The dotted key; an alias may hold dots.
fn key(alias: &str) -> String {
    format!("models.aliases.{}", serde_json::Value::from(alias))
}
