use std::time::Duration;

use clap::Args;
use openclaw_protocol::methods::{LogsTail, LogsTailParams, LogsTailResult};
use serde_json::Value;

use crate::context::Context;
use crate::exit::Failure;
use crate::output::{Shade, harmless};
use crate::reach::Reach;

/// How often the log is looked at again.
const LOOK_AGAIN: Duration = Duration::from_millis(500);

#[derive(Debug, Args)]
pub(crate) struct LogsArguments {
    /// Go on printing what is logged.
    #[arg(short, long)]
    follow: bool,
    /// How many lines to begin with.
    #[arg(short = 'n', long, default_value_t = 200, value_parser = clap::value_parser!(u64).range(1..=5_000))]
    lines: u64,
}

pub(crate) async fn run(context: &Context, arguments: LogsArguments) -> Result<(), Failure> {
    let client = Reach::find(context)?.client().await?;
    let mut params = LogsTailParams { limit: Some(arguments.lines), ..LogsTailParams::default() };
    loop {
        let piece = client.call::<LogsTail>(&params).await?;
        print(context, &piece)?;
        if !arguments.follow {
            return Ok(());
        }
        params = LogsTailParams {
            cursor: Some(piece.cursor),
            limit: Some(5_000),
            max_bytes: Some(1_000_000),
        };
        if piece.lines.is_empty() {
            tokio::time::sleep(LOOK_AGAIN).await;
        }
    }
}

fn print(context: &Context, piece: &LogsTailResult) -> Result<(), Failure> {
    for line in &piece.lines {
        let shown = if context.output.is_json() { line.clone() } else { readable(context, line) };
        context.output.line(&shown)?;
    }
    Ok(())
}

/// A line for people; one that is no JSON object is shown as it is.
fn readable(context: &Context, line: &str) -> String {
    let Ok(Value::Object(mut fields)) = serde_json::from_str(line) else { return line.to_owned() };
    let mut take = |name: &str| match fields.shift_remove(name) {
        Some(Value::String(text)) => text,
        Some(other) => other.to_string(),
        None => String::new(),
    };
    let (time, level, message) = (take("timestamp"), take("level"), take("message"));
    take("target");
    let mut spans = String::new();
    if let Some(Value::Array(list)) = fields.shift_remove("spans") {
        for span in list {
            for (name, value) in span.as_object().into_iter().flatten() {
                if name != "name" {
                    spans.push_str(&format!(" {name}={}", plain(value)));
                }
            }
        }
    }
    let rest: String =
        fields.iter().map(|(name, value)| format!(" {name}={}", plain(value))).collect();
    let shade = match level.as_str() {
        "ERROR" => Shade::Red,
        "WARN" => Shade::Yellow,
        _ => Shade::Bold,
    };
    let level = context.output.paint(shade, format!("{level:>5}"));
    // What is logged may hold what came from outside.
    format!("{} {level} {}", harmless(&time), harmless(&format!("{message}{rest}{spans}")))
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}
