//! Our MCP client as a command, for the protocol's own conformance suite: connects to the URL that is
//! its argument, signs in where that is asked for, and calls every tool.

#![expect(clippy::print_stderr, reason = "it is a program for tests")]

use std::time::Duration;

use async_trait::async_trait;
use openclaw_agents::mcp::{Browser, CredentialFile, McpError, McpSession, Programs, sign_in};
use openclaw_config::{
    Config, Environment, ExecAsk, LoadRequest, McpElicitation, McpEndpoint, McpServer,
    McpTransport, NoChannels, load,
};
use openclaw_core::Secret;
use openclaw_tools::sandbox::{Helper, Host, Namespaces};
use serde_json::{Map, Value, json};

/// How often it signs in before it gives up.
const MOST_SIGN_INS: usize = 3;

/// An owner who allows everything: what the browser would be sent back with.
struct Headless;

#[async_trait]
impl Browser for Headless {
    fn redirect_uri(&self) -> &str {
        "http://localhost:3000/callback"
    }

    async fn visit(&self, url: &str) -> Result<String, McpError> {
        let failed = |error: reqwest::Error| McpError::SignIn(error.to_string());
        let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none());
        let page = client.build().map_err(failed)?.get(url).send().await.map_err(failed)?;
        let location = page.headers().get("location").and_then(|value| value.to_str().ok());
        location
            .map(str::to_owned)
            .ok_or_else(|| McpError::SignIn("the page leads nowhere".to_owned()))
    }
}

fn server(url: &str, environment: &Environment) -> McpServer {
    let scenario = environment.var("MCP_CONFORMANCE_SCENARIO").unwrap_or_default();
    let context: Value = environment
        .var("MCP_CONFORMANCE_CONTEXT")
        .and_then(|text| serde_json::from_str(text).ok())
        .unwrap_or_default();
    let text = |name: &str| context[name].as_str().map(str::to_owned);
    let elicitation = match scenario.contains("elicitation") {
        true => McpElicitation::Defaults,
        false => McpElicitation::Decline,
    };
    McpServer {
        name: "conformance".to_owned(),
        enabled: true,
        transport: McpTransport::Http(McpEndpoint {
            url: url.to_owned(),
            headers: Default::default(),
            client_id: text("client_id"),
            client_secret: text("client_secret").map(Secret::new),
            client_metadata_url: Some(
                "https://conformance-test.local/client-metadata.json".to_owned(),
            ),
            scopes: Vec::new(),
        }),
        timeout: Duration::from_secs(20),
        allow: vec!["*".to_owned()],
        deny: Vec::new(),
        agents: Vec::new(),
        ask: ExecAsk::Off,
        elicitation,
    }
}

/// Arguments that fit a schema: something for everything that is required.
fn arguments(schema: &Map<String, Value>) -> Map<String, Value> {
    let required = schema.get("required").and_then(Value::as_array);
    let names = required.into_iter().flatten().filter_map(Value::as_str);
    let value = |name: &str| match schema["properties"][name]["type"].as_str() {
        Some("number" | "integer") => json!(1),
        Some("boolean") => json!(true),
        _ => json!("test"),
    };
    names.map(|name| (name.to_owned(), value(name))).collect()
}

async fn use_everything(
    server: &McpServer,
    config: &Config,
    programs: &Programs,
) -> Result<(), McpError> {
    let state = &config.state_dir;
    let session = McpSession::open(server, config, programs.clone(), state).await?;
    let used = async {
        for tool in session.list().await? {
            let result = session.call(&tool.name, arguments(&tool.input_schema)).await?;
            tracing::debug!(?result, "called");
        }
        Ok(())
    };
    let outcome = used.await;
    session.close().await;
    outcome
}

fn main() -> std::process::ExitCode {
    // The tests of programs need one that becomes the sandbox's helper.
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let Some(code) = openclaw_tools::sandbox::run_helper(&arguments) {
        return code;
    }
    match used() {
        Ok(()) => std::process::ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            std::process::ExitCode::FAILURE
        }
    }
}

#[tokio::main(flavor = "current_thread")]
async fn used() -> Result<(), Box<dyn std::error::Error>> {
    rustls::crypto::ring::default_provider()
        .install_default()
        .map_err(|_| "another TLS provider is installed")?;
    let url = std::env::args().next_back().ok_or("the URL of a server is needed")?;
    let environment = Environment::capture();
    let home = tempfile::tempdir()?;
    let own = Environment::new(Vec::new(), home.path(), home.path());
    let config = load(&LoadRequest::new(&own, &NoChannels))?.config;
    let helper = Helper::this_program();
    let programs = Programs {
        host: std::sync::Arc::new(Host::new(helper.clone(), Vec::new())),
        sandbox: std::sync::Arc::new(Namespaces::new(helper)),
    };
    let server = server(&url, &environment);
    let file = CredentialFile::new(&config.state_dir, &server.name);
    for _ in 0..MOST_SIGN_INS {
        match use_everything(&server, &config, &programs).await {
            Ok(()) => return Ok(()),
            Err(McpError::SignInNeeded { challenge, .. }) => {
                sign_in(&server, challenge.as_deref(), &file, &Headless).await?;
            }
            Err(error) => return Err(error.into()),
        }
    }
    use_everything(&server, &config, &programs).await?;
    Ok(())
}
