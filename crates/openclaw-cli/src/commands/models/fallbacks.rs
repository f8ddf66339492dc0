use clap::{Args, Subcommand};
use openclaw_errors::OpenClawError;
use serde_json::{Value, json};

use super::Place;
use super::edit::{Change, apply, effective};
use crate::context::Context;
use crate::exit::Failure;

#[derive(Debug, Subcommand)]
pub(crate) enum FallbacksCommand {
    /// List them in the order they are tried.
    List,
    /// Add one, to be tried after the others.
    Add(FallbackArguments),
    /// Remove one.
    Remove(FallbackArguments),
    /// Remove all.
    Clear,
}

#[derive(Debug, Args)]
pub(crate) struct FallbackArguments {
    /// provider/model, or an alias.
    model: String,
}

const KEY: &str = "agents.fallbacks";

pub(super) async fn run(
    context: &Context,
    place: Place,
    command: FallbacksCommand,
) -> Result<(), Failure> {
    let known = effective(&place, "agents", "fallbacks").await?;
    let mut models: Vec<String> = known
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .map(str::to_owned)
        .collect();
    match command {
        FallbacksCommand::List => {
            context.output.result(&json!({ "fallbacks": models }), || match models.as_slice() {
                [] => "no fallbacks: `openclaw models fallbacks add <model>`".to_owned(),
                models => models.join("\n"),
            })
        }
        FallbacksCommand::Add(FallbackArguments { model }) => {
            if models.contains(&model) {
                return context
                    .output
                    .result(&json!({ "changed": [] }), || format!("{model} is there already"));
            }
            models.push(model);
            let said = format!("when a model fails: {}", models.join(", "));
            apply(context, place, vec![Change::set(KEY, json!(models))], || said).await
        }
        FallbacksCommand::Remove(FallbackArguments { model }) => {
            let before = models.len();
            models.retain(|known| *known != model);
            if models.len() == before {
                let error = OpenClawError::not_found(format!("{model} is no fallback"));
                let hint = "`openclaw models fallbacks list` lists those there are";
                return Err(error.with_hint(hint).into());
            }
            let change = Change::set(KEY, json!(models));
            apply(context, place, vec![change], || format!("{model} is removed")).await
        }
        FallbacksCommand::Clear => {
            let said = || "there are no fallbacks any more".to_owned();
            if known.is_null() {
                return context.output.result(&json!({ "changed": [] }), said);
            }
            apply(context, place, vec![Change::remove(KEY)], said).await
        }
    }
}
