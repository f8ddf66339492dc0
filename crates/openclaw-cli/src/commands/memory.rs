use std::time::Duration;

use clap::{Args, Subcommand};
use openclaw_core::AgentId;
use openclaw_protocol::methods::{
    MemoryIndex, MemoryIndexParams, MemoryIndexResult, MemoryPlace, MemorySearch,
    MemorySearchParams, MemoryStatus, MemoryStatusGet, MemoryStatusParams, SearchMode,
};

use crate::context::Context;
use crate::exit::Failure;
use crate::output::{Shade, harmless, one_line};
use crate::reach::Reach;

/// How long `index` is waited for in all.
const INDEX_LIMIT: Duration = Duration::from_secs(60 * 60);

#[derive(Debug, Subcommand)]
pub(crate) enum MemoryCommand {
    /// Find what an agent noted, or what was said in past sessions.
    Search(SearchArguments),
    /// Bring the index up to date.
    Index(IndexArguments),
    /// Tell what is indexed, and how it is searched.
    Status(StatusArguments),
}

#[derive(Debug, Args)]
pub(crate) struct SearchArguments {
    /// A question or words.
    #[arg(required = true)]
    query: Vec<String>,
    /// Whose memory.
    #[arg(long)]
    agent: Option<AgentId>,
    /// At most this many, 1 to 50.
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=50))]
    max_results: Option<u32>,
    /// The least score, 0 to 1.
    #[arg(long)]
    min_score: Option<f64>,
}

#[derive(Debug, Args)]
pub(crate) struct IndexArguments {
    /// Whose memory.
    #[arg(long)]
    agent: Option<AgentId>,
    /// Read files though they look unchanged, and ask a failing model again.
    #[arg(long)]
    force: bool,
}

#[derive(Debug, Args)]
pub(crate) struct StatusArguments {
    /// Whose memory.
    #[arg(long)]
    agent: Option<AgentId>,
    /// Also ask the embedding model for a vector.
    #[arg(long)]
    deep: bool,
}

pub(crate) async fn run(context: &Context, command: MemoryCommand) -> Result<(), Failure> {
    let client = Reach::find(context)?.client().await?;
    match command {
        MemoryCommand::Search(arguments) => {
            let params = MemorySearchParams {
                query: arguments.query.join(" "),
                agent_id: arguments.agent,
                max_results: arguments.max_results,
                min_score: arguments.min_score,
            };
            let result = client.call::<MemorySearch>(&params).await?;
            context.output.result(&result, || {
                let mut text = String::new();
                result.results.iter().for_each(|place| text.push_str(&show(context, place)));
                if result.results.is_empty() {
                    text.push_str("nothing was found\n");
                }
                if let Some(notice) = &result.notice {
                    text.push_str(&format!("searched by words only: {}\n", one_line(notice, 300)));
                }
                text
            })
        }
        MemoryCommand::Index(arguments) => {
            let params = MemoryIndexParams { agent_id: arguments.agent, force: arguments.force };
            let indexing = async {
                let mut result = client.call::<MemoryIndex>(&params).await?;
                while !result.finished {
                    let again = MemoryIndexParams { force: false, ..params.clone() };
                    result = client.call::<MemoryIndex>(&again).await?;
                }
                Ok::<MemoryIndexResult, Failure>(result)
            };
            let limited = tokio::time::timeout(INDEX_LIMIT, indexing).await;
            let result =
                limited.map_err(|_| Failure::failed("indexing goes on in the gateway"))??;
            context.output.result(&result, || indexed(&result))
        }
        MemoryCommand::Status(arguments) => {
            let params = MemoryStatusParams { agent_id: arguments.agent, deep: arguments.deep };
            let result = client.call::<MemoryStatusGet>(&params).await?;
            context.output.result(&result, || status(&result))
        }
    }
}

fn show(context: &Context, place: &MemoryPlace) -> String {
    let name = place.session_key.as_ref().map_or_else(|| place.path.clone(), ToString::to_string);
    let head = format!("{}:{}-{}", one_line(&name, 120), place.start_line, place.end_line);
    let head = context.output.paint(Shade::Bold, head);
    let score = context.output.paint(Shade::Dim, format!("{:.2}", place.score));
    let mut text = format!("{head}  {score}\n");
    harmless(&place.snippet).lines().for_each(|line| text.push_str(&format!("  {line}\n")));
    text.push('\n');
    text
}

fn indexed(result: &MemoryIndexResult) -> String {
    let MemoryIndexResult { indexed, removed, vectors, notice, .. } = result;
    let mut text = format!(
        "{indexed} files or sessions indexed, {removed} forgotten, {vectors} vectors made\n"
    );
    if let Some(notice) = notice {
        text.push_str(&format!("found by words only: {}\n", one_line(notice, 300)));
    }
    text
}

fn status(status: &MemoryStatus) -> String {
    let how = match (&status.model, status.mode) {
        (None, _) => "by words; memory.provider names what finds texts by their meaning".to_owned(),
        (Some(model), SearchMode::Hybrid) => format!("by words and meaning, with {model}"),
        (Some(model), SearchMode::Text) => format!("by words only, {model} does not work"),
    };
    let mut text = format!("Agent:    {}\nSearched: {how}\n", status.agent_id);
    if let Some(problem) = &status.problem {
        text.push_str(&format!("Problem:  {}\n", one_line(problem, 300)));
    }
    if let Some(at) = status.retry_at {
        text.push_str(&format!("Next try: {at}\n"));
    }
    if let Some(length) = status.dimensions {
        text.push_str(&format!("Vectors:  of {length} numbers\n"));
    }
    let MemoryStatus { files, sessions, chunks, texts, vectors, .. } = status;
    text.push_str(&format!("Indexed:  {files} notes, {sessions} sessions, {chunks} chunks"));
    if status.model.is_some() {
        text.push_str(&format!(", {vectors} of {texts} texts with vectors"));
    }
    text.push('\n');
    match (status.indexing, status.indexed_at) {
        (true, _) => text.push_str("Index:    being brought up to date\n"),
        (false, Some(at)) => text.push_str(&format!("Index:    up to date at {at}\n")),
        (false, None) => text.push_str("Index:    looked at with the next search\n"),
    }
    text
}
