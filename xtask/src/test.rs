//! `cargo xtask test`.

use std::process::Command;

use anyhow::Result;
use clap::Args;

use crate::sh::{cargo, run, works};
use crate::tools::{self, TestTools};

#[derive(Args, Default)]
pub(crate) struct TestArguments {
    /// Only tests whose name holds this.
    filter: Option<String>,
}

pub(crate) fn test(arguments: &TestArguments) -> Result<()> {
    let tools = tools::ensure()?;
    // End-to-end tests drive these programs as processes.
    run(with_tools(&mut cargo(["build", "--workspace", "--bins", "--locked"]), &tools))?;
    let filter = arguments.filter.as_deref();
    if works("cargo-nextest", "--version") || works("cargo", "nextest") {
        let mut nextest = cargo(["nextest", "run", "--workspace", "--locked", "--no-fail-fast"]);
        run(with_tools(nextest.args(filter), &tools))?;
        run(with_tools(&mut cargo(["test", "--workspace", "--locked", "--doc", "--quiet"]), &tools))
    } else {
        run(with_tools(
            cargo(["test", "--workspace", "--locked", "--no-fail-fast"]).args(filter),
            &tools,
        ))
    }
}

fn with_tools<'a>(command: &'a mut Command, tools: &TestTools) -> &'a mut Command {
    command
        .env("OPENCLAW_TEST_PYTHON", &tools.python)
        .env("OPENCLAW_TEST_AIMOCK", &tools.aimock)
        .env("OPENCLAW_TEST_OPENAI_NODE", &tools.openai_node)
        .env("OPENCLAW_TEST_PI", &tools.pi)
        .env("OPENCLAW_TEST_SCHEMATHESIS", &tools.schemathesis)
        .env("OPENCLAW_TEST_TYPESCRIPT", &tools.typescript)
        .env("OPENCLAW_TEST_MCP", &tools.mcp)
        .env("OPENCLAW_TEST_MCP_PYTHON", &tools.mcp_python)
        .env("OPENCLAW_TEST_MINILM", &tools.minilm)
}
