use clap::Args;
use openclaw_config::EditError;
use toml_edit::{Array, Value};

use super::{edit, loaded};
use crate::context::Context;
use crate::exit::Failure;

const EXAMPLES: &str = "\
Examples:
  openclaw mcp add files -- npx -y @modelcontextprotocol/server-filesystem /srv/files
  openclaw mcp add github --url https://api.githubcopilot.com/mcp/ --header 'Authorization: Bearer ${GITHUB_TOKEN}'
  openclaw mcp add notes --env NOTES_KEY='${NOTES_KEY}' --agent work -- notes-server --stdio

A value such as ${NAME} is written as it stands and taken from the environment of the gateway.";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct AddArguments {
    /// What it is called: its tools become mcp__NAME__TOOL.
    name: String,
    /// The URL of a server over HTTP.
    #[arg(long, conflicts_with = "command")]
    url: Option<String>,
    /// A header of every request, as "Name: value".
    #[arg(long = "header", requires = "url", value_parser = header)]
    headers: Vec<(String, String)>,
    /// A variable of the program, as NAME=value.
    #[arg(long = "env", requires = "command", value_parser = variable)]
    env: Vec<(String, String)>,
    /// The folder that the program starts in.
    #[arg(long, requires = "command")]
    cwd: Option<String>,
    /// Run the program in the sandbox.
    #[arg(long, requires = "command")]
    sandbox: bool,
    /// The time limit of a call, in seconds.
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=3600))]
    timeout: Option<u32>,
    /// A tool of it that may be called, by its own name or a glob; without any, all.
    #[arg(long = "allow")]
    allow: Vec<String>,
    /// A tool of it that may not be called.
    #[arg(long = "deny")]
    deny: Vec<String>,
    /// An agent that may use it; without any, all.
    #[arg(long = "agent")]
    agents: Vec<String>,
    /// Replace a server of this name.
    #[arg(long)]
    force: bool,
    /// The program and its arguments.
    #[arg(last = true, required_unless_present = "url")]
    command: Vec<String>,
}

pub(super) fn run(context: &Context, arguments: &AddArguments) -> Result<(), Failure> {
    let name = &arguments.name;
    let is_there = loaded(context)?.config.mcp.contains_key(name);
    if is_there && !arguments.force {
        return Err(Failure::failed(format!("there is an MCP server {name:?} already"))
            .with_hint("--force replaces it"));
    }
    let done = format!("{name} is {}", if is_there { "replaced" } else { "added" });
    edit::change(context, &done, |editor| {
        let key = edit::key(name);
        if is_there {
            editor.allow_dropping("mcp");
            editor.unset(&key)?;
        }
        let mut set = |at: &str, value: Value| -> Result<(), EditError> {
            editor.set(&format!("{key}.{at}"), value.to_string().trim())
        };
        if let [command, args @ ..] = arguments.command.as_slice() {
            set("command", command.into())?;
            if !args.is_empty() {
                set("args", list(args))?;
            }
        }
        for (at, text) in [("url", &arguments.url), ("cwd", &arguments.cwd)] {
            if let Some(text) = text {
                set(at, text.into())?;
            }
        }
        if arguments.sandbox {
            set("sandbox", true.into())?;
        }
        if let Some(seconds) = arguments.timeout {
            set("timeout_secs", i64::from(seconds).into())?;
        }
        let lists = [
            ("agents", &arguments.agents),
            ("tools.allow", &arguments.allow),
            ("tools.deny", &arguments.deny),
        ];
        for (at, texts) in lists {
            if !texts.is_empty() {
                set(at, list(texts))?;
            }
        }
        for (table, pairs) in [("env", &arguments.env), ("headers", &arguments.headers)] {
            for (name, value) in pairs {
                set(&format!("{table}.{name}"), value.into())?;
            }
        }
        Ok(())
    })
}

fn list(texts: &[String]) -> Value {
    Value::Array(texts.iter().map(String::as_str).collect::<Array>())
}

fn variable(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if is_name(name, "_") => Ok((name.to_owned(), value.to_owned())),
        _ => Err("it must be NAME=value".to_owned()),
    }
}

fn header(text: &str) -> Result<(String, String), String> {
    match text.split_once(':') {
        Some((name, value)) if is_name(name, "_-") && !value.trim().is_empty() => {
            Ok((name.to_owned(), value.trim().to_owned()))
        }
        _ => Err("it must be \"Name: value\"".to_owned()),
    }
}

fn is_name(name: &str, more: &str) -> bool {
    !name.is_empty() && name.chars().all(|char| char.is_ascii_alphanumeric() || more.contains(char))
}
