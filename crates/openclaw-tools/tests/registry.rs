//! What the registry offers, checks and survives.

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use insta::{assert_json_snapshot, assert_snapshot};
use openclaw_config::ToolSettings;
use openclaw_core::{AgentId, CallId, ToolName};
use openclaw_tools::{
    Tool, ToolCall, ToolContext, ToolDefinition, ToolError, ToolOutput, ToolPolicy, ToolRegistry,
};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};
use support::Bench;
use tokio_util::sync::CancellationToken;

fn policy(allow: &[&str], deny: &[&str]) -> ToolPolicy {
    let own = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
    let settings = ToolSettings { allow: own(allow), deny: own(deny), ..ToolSettings::default() };
    ToolPolicy::new(&settings, None)
}

fn names(definitions: &[ToolDefinition]) -> Vec<&str> {
    definitions.iter().map(|definition| definition.name.as_str()).collect()
}

#[test]
fn the_file_tools_are_offered_in_few_bytes() {
    let bench = Bench::new();
    let offered = bench.registry.definitions(&ToolPolicy::allow_all(), &AgentId::main());
    assert_eq!(names(&offered), ["read", "write", "edit", "list", "search", "apply_patch"]);
    let sent: Vec<Value> = offered
        .iter()
        .map(|tool| json!({"name": tool.name, "description": tool.description, "parameters": tool.parameters}))
        .collect();
    let size = serde_json::to_string(&sent).expect("JSON").len();
    assert!(size < 3_500, "{size} bytes");
    for tool in &*offered {
        let text = tool.parameters.to_string();
        for noise in ["$ref", "$schema", "definitions", "\"null\"", "anyOf", "format", "title"] {
            assert!(!text.contains(noise), "{noise} in {text}");
        }
        assert_eq!(tool.parameters["type"], "object");
        assert_eq!(tool.parameters["additionalProperties"], false);
    }
}

#[test]
fn a_schema_says_what_is_taken() {
    let bench = Bench::new();
    let offered = bench.registry.definitions(&ToolPolicy::allow_all(), &AgentId::main());
    assert_json_snapshot!(offered[4].parameters, @r#"
    {
      "type": "object",
      "additionalProperties": false,
      "properties": {
        "pattern": {
          "type": "string",
          "description": "Regular expression; for names a glob or a part of the name"
        },
        "path": {
          "type": "string",
          "description": "Folder or file, default: the workspace"
        },
        "glob": {
          "type": "string",
          "description": "Only these files, such as *.rs or src/**/*.ts"
        },
        "in": {
          "type": "string",
          "enum": [
            "content",
            "names"
          ],
          "description": "Default content"
        },
        "limit": {
          "type": "integer",
          "description": "Matches, default 100",
          "minimum": 0
        }
      },
      "required": [
        "pattern"
      ]
    }
    "#);
}

#[test]
fn the_offer_follows_the_policy_and_is_made_once() {
    let bench = Bench::new();
    let read_only = policy(&["group:fs"], &["write", "ed*"]);
    let offered = bench.registry.definitions(&read_only, &AgentId::main());
    assert_eq!(names(&offered), ["read", "list", "search", "apply_patch"]);
    assert!(Arc::ptr_eq(
        &offered,
        &bench.registry.definitions(&read_only.clone(), &AgentId::main())
    ));
    assert!(bench.registry.definitions(&policy(&[], &[]), &AgentId::main()).is_empty());
    assert!(
        bench
            .registry
            .definitions(&ToolPolicy::deny_all("the session's settings"), &AgentId::main())
            .is_empty()
    );
}

#[tokio::test]
async fn what_is_denied_is_not_run_under_any_name() {
    let bench = Bench::new();
    bench.put("a", "x");
    for (rules, expected) in [
        (policy(&["*"], &["read"]), r#"deny = "read" of tools"#),
        (policy(&["*"], &["group:fs"]), r#"deny = "group:fs" of tools"#),
        (
            policy(&["*"], &["group:nonsense"]),
            r#"deny = "group:nonsense" of tools, which cannot be read"#,
        ),
        (policy(&["write"], &[]), "allow of tools does not name it"),
        (ToolPolicy::deny_all("the session's settings"), r#"deny = "*" of the session's settings"#),
    ] {
        for name in ["read", "READ"] {
            let outcome = bench.call_under(&rules, name, json!({"path": "a"})).await;
            match outcome {
                Err(ToolError::Denied { tool, reason }) => {
                    assert_eq!(tool, "read");
                    assert!(reason.starts_with(expected), "{reason}");
                }
                other => panic!("{name}: {other:?}"),
            }
        }
    }
    assert_snapshot!(bench.refusal("fly", json!({})).await, @r#"there is no tool "fly""#);
}

#[tokio::test]
async fn wrong_arguments_say_what_is_taken() {
    let bench = Bench::new();
    assert_snapshot!(bench.refusal("read", json!({"offset": 1})).await, @"invalid arguments for read: missing field `path`; it takes {path, offset?, limit?}");
    assert_snapshot!(bench.refusal("search", json!({"pattern": "x", "in": "files"})).await, @"invalid arguments for search: in: unknown variant `files`, expected `content` or `names`; it takes {pattern, path?, glob?, in?, limit?}");
    assert_snapshot!(bench.refusal("edit", json!({"path": "a", "old_text": "x", "new_text": "y", "replace_all": true})).await, @"invalid arguments for edit: replace_all: unknown field `replace_all`, expected one of `path`, `old_text`, `new_text`; it takes {path, old_text, new_text}");
    assert_snapshot!(bench.refusal("read", json!({"path": "a", "file_path": "b"})).await, @"invalid arguments for read: path and file_path mean the same and differ; give only path");
}

#[derive(Debug, Deserialize, JsonSchema)]
struct Command {
    command: String,
}

/// Stands in for the command tool: panics, hangs or answers as told.
#[derive(Debug)]
struct FakeBash {
    told: Arc<AtomicBool>,
}

#[async_trait]
impl Tool for FakeBash {
    type Args = Command;
    const NAME: &'static str = "bash";
    const DESCRIPTION: &'static str = "Runs a command.";
    const ALIASES: &'static [(&'static str, &'static str)] = &[];

    async fn call(&self, context: &ToolContext, args: Command) -> Result<ToolOutput, ToolError> {
        match args.command.as_str() {
            "panic" => panic!("as told"),
            "hang" => {
                context.cancel.cancelled().await;
                self.told.store(true, Ordering::Relaxed);
                std::future::pending().await
            }
            "finish" => {
                context.cancel.cancel();
                tokio::task::yield_now().await;
                Ok(ToolOutput::text("finished"))
            }
            other => Ok(ToolOutput::text(other)),
        }
    }
}

async fn run(
    name: &str,
    command: &str,
    policy: &ToolPolicy,
) -> (Result<ToolOutput, ToolError>, bool) {
    let told = Arc::new(AtomicBool::new(false));
    let registry = ToolRegistry::builder().with(FakeBash { told: told.clone() }).build();
    let call = ToolCall {
        call_id: CallId::new("c").expect("valid"),
        name: ToolName::new(name).expect("valid"),
        arguments: json!({"command": command}),
    };
    let cancel = CancellationToken::new();
    let context = ToolContext { cancel: cancel.clone(), ..Bench::new().context() };
    let outcome = tokio::join!(registry.call(policy, call, context), async {
        tokio::time::sleep(std::time::Duration::from_millis(1)).await;
        cancel.cancel();
    })
    .0;
    (outcome, told.load(Ordering::Relaxed))
}

#[tokio::test(start_paused = true)]
async fn the_old_name_of_a_tool_means_the_tool() {
    let (outcome, _) = run("exec", "ls", &ToolPolicy::allow_all()).await;
    assert_eq!(outcome.expect("run").text, "ls");
    for denied in ["exec", "bash", "Exec", "exe*", "ba?h", "group:runtime"] {
        let (outcome, _) = run("exec", "ls", &policy(&["*"], &[denied])).await;
        assert!(matches!(outcome, Err(ToolError::Denied { .. })), "{denied}: {outcome:?}");
    }
    let (outcome, _) = run("bash", "ls", &policy(&["exec"], &[])).await;
    assert!(outcome.is_ok(), "{outcome:?}");
}

#[tokio::test(start_paused = true)]
async fn a_panic_is_an_error_of_one_call() {
    let (outcome, _) = run("bash", "panic", &ToolPolicy::allow_all()).await;
    assert!(
        matches!(outcome, Err(ToolError::Fatal(text)) if text == "the tool bash failed from within")
    );
}

#[tokio::test(start_paused = true)]
async fn a_tool_that_does_not_end_when_told_is_dropped() {
    let began = tokio::time::Instant::now();
    let (outcome, told) = run("bash", "hang", &ToolPolicy::allow_all()).await;
    assert!(matches!(outcome, Err(ToolError::Cancelled)), "{outcome:?}");
    assert!(told, "it had its chance");
    let took = began.elapsed();
    assert!((5_000..5_100).contains(&took.as_millis()), "{took:?}");
    let (outcome, _) = run("bash", "finish", &ToolPolicy::allow_all()).await;
    assert_eq!(outcome.expect("it ended in time").text, "finished");
}
