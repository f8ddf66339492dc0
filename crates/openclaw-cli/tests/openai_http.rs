//! The official OpenAI SDKs against the program: good calls and bad ones, none of them changed.

#[allow(dead_code, unused_imports, reason = "the harness is shared with other tests")]
mod support;

use std::path::PathBuf;
use std::time::Duration;

use openclaw_testkit::model::{ModelServer, RecordedRequest, Reply, Script};
use serde_json::json;
use support::{TOKEN, TestGateway};
use tokio::process::Command;

/// For a whole script on a busy machine.
const SCRIPT_LIMIT: Duration = Duration::from_secs(240);

const CONFIG: &str = "[[agents.list]]\nid = \"work\"\n";

/// A model that answers what it is asked, and shows what it was told.
fn model() -> Script {
    Script::new().on(|request| Some(reply(request)))
}

fn reply(request: &RecordedRequest) -> Reply {
    if let Some((_, result)) = request.tool_results().last() {
        return Reply::text(format!("It is {result}"));
    }
    let asked = request.last_user_text();
    let has = |word: &str| asked.contains(word);
    let has_weather = request.tool_names().iter().any(|name| name == "get_weather");
    match () {
        () if has("weather") && has_weather => Reply::call("get_weather", &json!({"city": "Oslo"})),
        () if has("please fail") => Reply::error(500, "server_error", "it does not work"),
        () if has("rate limit") => Reply::error(429, "rate_limit_error", "too many"),
        () if has("break off") => {
            Reply::text("It begins").then_error("overloaded_error", "overloaded")
        }
        () if has("how many images") => Reply::text(format!("{} images", request.image_count())),
        () if has("what was said") => {
            let said: Vec<String> = request.dialogue().into_iter().map(|(_, text)| text).collect();
            Reply::text(said.join(" | "))
        }
        () if has("repeat the instructions") => {
            let system = request.system_text();
            let own = system.split_once("# Instructions of the caller\n");
            Reply::text(own.map_or("none", |(_, text)| text.trim()).to_owned())
        }
        () if has("give me json") => Reply::text(r#"{"city": "Oslo"}"#),
        () if has("slow") => Reply::chunks(["a"; 100]).gap(Duration::from_millis(50)),
        () => Reply::chunks(["Hel", "lo ", "there"]),
    }
}

#[expect(clippy::disallowed_methods, reason = "what `cargo xtask test` installed is named there")]
fn tool(variable: &str) -> PathBuf {
    match std::env::var_os(variable) {
        Some(path) => PathBuf::from(path),
        None => panic!("{variable} is not set: run `cargo xtask test`"),
    }
}

async fn run(gateway: &TestGateway, mut command: Command) {
    command
        .env("OPENCLAW_URL", format!("http://{}/v1", gateway.address()))
        .env("OPENCLAW_TOKEN", TOKEN)
        .kill_on_drop(true);
    let output = tokio::time::timeout(SCRIPT_LIMIT, command.output())
        .await
        .expect("the script ends in time")
        .expect("the script can be started");
    let (said, complained) = (
        String::from_utf8_lossy(&output.stdout).into_owned(),
        String::from_utf8_lossy(&output.stderr).into_owned(),
    );
    assert!(output.status.success(), "{said}\n{complained}\n{}", gateway.log());
}

fn script(name: &str) -> PathBuf {
    std::path::absolute("tests/openai").expect("tests run in their package").join(name)
}

#[tokio::test]
async fn the_python_sdk_works_unchanged() {
    let server = ModelServer::with(model()).await;
    let gateway = TestGateway::with_model(&server, CONFIG).await;
    let mut command = Command::new(tool("OPENCLAW_TEST_PYTHON"));
    command.arg(script("sdk.py"));
    run(&gateway, command).await;
    assert_eq!(server.violations(), Vec::<String>::new());
}

#[tokio::test]
async fn the_node_sdk_works_unchanged() {
    let server = ModelServer::with(model()).await;
    let gateway = TestGateway::with_model(&server, CONFIG).await;
    let mut command = Command::new("node");
    command.arg(script("sdk.mjs")).env("OPENCLAW_SDK_FOLDER", tool("OPENCLAW_TEST_OPENAI_NODE"));
    run(&gateway, command).await;
    assert_eq!(server.violations(), Vec::<String>::new());
}

/// What has to hold for every answer. What makes a request good or bad is in part beyond a schema,
/// so whether each generated one is taken is not judged.
const CHECKS: &str = "not_a_server_error,status_code_conformance,content_type_conformance,response_headers_conformance,response_schema_conformance,unsupported_method,ignored_auth";

#[tokio::test]
async fn every_path_answers_as_its_document_says() {
    let server = ModelServer::with(model()).await;
    let hooks = format!(
        "{CONFIG}[hooks]\nenabled = true\ntoken = \"{TOKEN}\"\n\
         [[hooks.mappings]]\nmatch = {{ path = \"ci\" }}\nmessage_template = \"{{{{payload}}}}\"\n\
         [gateway.rate_limit]\nrequests_per_second = 0\n"
    );
    let gateway = TestGateway::with_model(&server, &hooks).await;
    let url = format!("http://{}", gateway.address());
    let mut command = Command::new(tool("OPENCLAW_TEST_SCHEMATHESIS"));
    command
        .args(["run", &format!("{url}/openapi.json"), "--url", &url])
        .args(["--header", &format!("Authorization: Bearer {TOKEN}")])
        .args(["--checks", CHECKS, "--max-examples", "15", "--no-color", "--seed", "1"])
        .args(["--generation-database", "none", "--phases", "examples,coverage,fuzzing"])
        .current_dir(std::env::temp_dir());
    run(&gateway, command).await;
}
