use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use openclaw_core::AgentId;
use url::Url;

use super::tools::{EXEC_ASK, read_pattern};
use crate::{
    McpElicitation, McpEndpoint, McpProgram, McpServer, McpTransport, SpannedValue, TableReader,
};

/// Headers that the protocol or the client sets itself.
const OWN_HEADERS: [&str; 8] = [
    "accept",
    "content-type",
    "content-length",
    "host",
    "last-event-id",
    "mcp-protocol-version",
    "mcp-session-id",
    "transfer-encoding",
];

const ELICITATION: [(&str, McpElicitation); 2] =
    [("decline", McpElicitation::Decline), ("defaults", McpElicitation::Defaults)];

pub(super) fn read_mcp(reader: &mut TableReader<'_>) -> BTreeMap<String, McpServer> {
    let servers = reader.map(
        "servers",
        "Servers of the Model Context Protocol by name; their tools are called mcp__<name>__<tool>.",
        read_server,
    );
    servers.into_iter().filter_map(|(name, server)| Some((name, server?))).collect()
}

fn read_server(name: &str, reader: &mut TableReader<'_>) -> Option<McpServer> {
    let is_name = (1..=32).contains(&name.len())
        && !name.contains("__")
        && name.bytes().all(|byte| {
            byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_-".contains(&byte)
        });
    if !is_name {
        reader.issue_here(
            "a server's name is made of 1 to 32 of a-z, 0-9, _ and -, without two _ together",
        );
    }
    let enabled = reader.boolean("enabled", "Whether it is used.").default(true);
    let timeout = reader
        .integer::<u64>("timeout_secs", "The time limit of a call, and of its start.", 1..=3_600)
        .default(60);
    let (allow, deny) =
        reader.table("tools", "Which of its tools may be called, by their own names.", |reader| {
            let allow = reader.strings_of("allow", "Those that may: names or globs.", read_pattern);
            let allow = allow.default(["*"]);
            let deny =
                reader.strings_of("deny", "Those that may not. It wins over allow.", read_pattern);
            (allow, deny.default(SpannedValue::Array(Vec::new())))
        });
    let agents = reader
        .strings_of("agents", "Agents that may use it; empty is all.", |text| {
            AgentId::new(text).map_err(|error| format!("must be an agent id: {}", error.expected))
        })
        .default(SpannedValue::Array(Vec::new()));
    let ask = reader
        .choice("ask", "When a call asks for approval. off: never; on_miss: until \"always\" was said to the same call; always: every time.", &EXEC_ASK)
        .default("off");
    let elicitation = reader
        .choice("elicitation", "What it is answered when it asks the user for something during a call. decline: no; defaults: the form's own defaults, where all that has to be filled in has one.", &ELICITATION)
        .default("decline");
    let program = read_program(reader);
    let endpoint = read_endpoint(reader);
    let transport = match (program, endpoint) {
        (Some(program), None) => McpTransport::Stdio(program),
        (None, Some(endpoint)) => McpTransport::Http(endpoint),
        (Some(_), Some(_)) => {
            reader.issue("url", "is given beside command: a server has one of them");
            return None;
        }
        (None, None) => {
            if !reader.is_set("command") && !reader.is_set("url") {
                reader.issue_here("needs command, for a program, or url, for a server over HTTP");
            }
            return None;
        }
    };
    Some(McpServer {
        name: name.to_owned(),
        enabled,
        transport,
        timeout: Duration::from_secs(timeout),
        allow,
        deny,
        agents,
        ask,
        elicitation,
    })
}

fn read_program(reader: &mut TableReader<'_>) -> Option<McpProgram> {
    let command =
        reader.string("command", "The program, by path or to be found on the PATH.").optional();
    let args = reader.strings("args", "Its arguments.").default(SpannedValue::Array(Vec::new()));
    let env = reader.secret_map("env", "Its variables, besides HOME, PATH, SHELL, LANG, TZ and TMPDIR. Nothing else of the gateway's environment reaches it.", |name| {
        let is_name = !name.is_empty()
            && !name.starts_with(|first: char| first.is_ascii_digit())
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        if is_name { Ok(()) } else { Err("is not the name of a variable".to_owned()) }
    });
    let cwd = reader.string("cwd", "The folder it starts in; relative to this file.").optional();
    let sandbox = reader
        .boolean("sandbox", "Whether it runs in the sandbox of the default agent, with what agents.sandbox grants, instead of as a program of the owner.")
        .default(false);
    if command.is_none() {
        refuse_beside(reader, "command", &["args", "env", "cwd", "sandbox"]);
    }
    Some(McpProgram { command: command?, args, env, cwd: cwd.map(PathBuf::from), sandbox })
}

fn read_endpoint(reader: &mut TableReader<'_>) -> Option<McpEndpoint> {
    let url = reader.string("url", "The server's URL.").parse(read_url).spanned().optional();
    let headers = reader.secret_map(
        "headers",
        "Headers of every request, such as Authorization. They are never sent to another host.",
        |name| {
            let is_name = !name.is_empty()
                && name
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte));
            match is_name {
                true if OWN_HEADERS.contains(&name.to_ascii_lowercase().as_str()) => {
                    Err("is a header that the protocol sets itself".to_owned())
                }
                true => Ok(()),
                false => Err("is not the name of a header".to_owned()),
            }
        },
    );
    let client_id = reader
        .string("client_id", "The client id that the authorization server gave out beforehand; without it one is asked for.")
        .optional();
    let client_secret = reader.secret("client_secret", "The secret of that client.");
    let client_metadata_url = reader
        .string("client_metadata_url", "An https URL of a document that describes this client, for authorization servers that take one as client id.")
        .parse(|text| match Url::parse(&text) {
            Ok(url) if url.scheme() == "https" && url.path() != "/" => Ok(text),
            _ => Err("must be an https URL with a path".to_owned()),
        })
        .optional();
    let scopes = reader
        .strings("scopes", "Scopes to ask for; empty leaves them to the server.")
        .default(SpannedValue::Array(Vec::new()));
    if client_secret.is_some() && client_id.is_none() {
        reader.issue("client_secret", "is given without client_id");
    }
    let Some(url) = url else {
        refuse_beside(
            reader,
            "url",
            &["headers", "client_id", "client_secret", "client_metadata_url", "scopes"],
        );
        return None;
    };
    let (url, in_the_clear) = url.value;
    if in_the_clear && (!headers.is_empty() || client_id.is_some()) {
        reader.warn(
            "url",
            "plain http beyond this machine shows credentials to the network; use https",
        );
    }
    Some(McpEndpoint { url, headers, client_id, client_secret, client_metadata_url, scopes })
}

/// Keys that mean nothing without another one.
fn refuse_beside(reader: &mut TableReader<'_>, needed: &'static str, keys: &[&str]) {
    for key in keys {
        if reader.is_set(key) {
            reader.issue(key, format!("has no meaning without {needed}"));
        }
    }
}

/// The flag says that it is plain HTTP to another machine.
fn read_url(text: String) -> Result<(String, bool), String> {
    let url = Url::parse(&text)
        .map_err(|_| "must be a URL such as \"https://mcp.example.org/mcp\"".to_owned())?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err("must begin with https:// or http://".to_owned());
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("must not hold a user or password; use headers".to_owned());
    }
    if url.fragment().is_some() {
        return Err("must not have a fragment".to_owned());
    }
    let in_the_clear = url.scheme() == "http" && !super::models::is_loopback(&url);
    Ok((text, in_the_clear))
}
