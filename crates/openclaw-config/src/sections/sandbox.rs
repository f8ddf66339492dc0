use std::path::PathBuf;

use openclaw_core::SandboxMode;

use super::level::Level;
use crate::{SandboxEngine, SandboxPath, SpannedValue, TableReader};

const MODES: [(&str, SandboxMode); 3] = [
    ("never", SandboxMode::Never),
    ("non_main", SandboxMode::NonMain),
    ("always", SandboxMode::Always),
];

const ENGINES: [(&str, SandboxEngine); 2] =
    [("namespaces", SandboxEngine::Namespaces), ("docker", SandboxEngine::Docker)];

/// `[agents.sandbox]`, of all agents or of one; `None` is not set.
pub(crate) struct SandboxFields {
    pub(crate) mode: Option<SandboxMode>,
    pub(crate) timeout_secs: Option<u64>,
    pub(crate) engine: Option<SandboxEngine>,
    pub(crate) image: Option<String>,
    pub(crate) allow_hosts: Option<Vec<String>>,
    pub(crate) paths: Option<Vec<SandboxPath>>,
    pub(crate) memory_mb: Option<u64>,
    pub(crate) max_processes: Option<u32>,
    pub(crate) cpus: Option<u32>,
}

pub(super) fn read_sandbox(reader: &mut TableReader<'_>, level: Level) -> SandboxFields {
    let mode = reader.choice("mode", "When commands run in the sandbox.", &MODES);
    let mode = level.of(mode, "always");
    let timeout = reader.integer("timeout_secs", "The time limit of a command.", 1..=86_400);
    let timeout_secs = level.of(timeout, 300);
    let engine = reader.choice(
        "engine",
        "What holds commands: namespaces, which need nothing installed, or docker.",
        &ENGINES,
    );
    let engine = level.of(engine.inert(), "namespaces");
    let image = reader.string("image", "The image of containers, for the engine docker.");
    let image = level.of(image.inert(), "debian:bookworm-slim");
    let allow_hosts = reader.strings_of(
        "allow_hosts",
        "Hosts that commands may reach, such as \"pypi.org\", \"*.github.com\" or \"example.com:8443\". None is no network.",
        read_host,
    );
    let allow_hosts = level.of(allow_hosts, SpannedValue::Array(Vec::new()));
    let paths = reader.strings_of(
        "paths",
        "Absolute paths of this machine that commands may see at their own place; with \":rw\" at the end they may be written.",
        read_path,
    );
    let paths = level.of(paths, SpannedValue::Array(Vec::new()));
    let memory = reader.integer("memory_mb", "Memory of a command in MiB.", 16..=1_048_576);
    let memory_mb = level.of(memory, 2048);
    let processes =
        reader.integer("max_processes", "Processes and threads of a command.", 4..=65_536);
    let max_processes = level.of(processes, 256);
    let cpus = level.of(reader.integer("cpus", "Processors of a command.", 1..=1024), 1);
    SandboxFields {
        mode,
        timeout_secs,
        engine,
        image,
        allow_hosts,
        paths,
        memory_mb,
        max_processes,
        cpus,
    }
}

fn read_host(text: String) -> Result<String, String> {
    let name = text.rsplit_once(':').map_or(text.as_str(), |(name, _)| name);
    let port =
        text.rsplit_once(':').map(|(_, port)| port.parse::<u16>().is_ok_and(|port| port > 0));
    let rest = name.strip_prefix("*.").unwrap_or(name);
    let is_name = !rest.is_empty()
        && rest.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte));
    if (is_name || name == "*") && port != Some(false) {
        Ok(text)
    } else {
        Err("must be a host such as \"pypi.org\", \"*.github.com\" or \"example.com:8443\""
            .to_owned())
    }
}

fn read_path(text: String) -> Result<SandboxPath, String> {
    let (path, writable) = match text.strip_suffix(":rw") {
        Some(path) => (path, true),
        None => (text.strip_suffix(":ro").unwrap_or(&text), false),
    };
    let path = PathBuf::from(path);
    let is_plain = path.is_absolute() && !path.components().any(|part| part.as_os_str() == "..");
    if is_plain {
        Ok(SandboxPath { path, writable })
    } else {
        Err("must be an absolute path without \"..\", such as \"/srv/data\" or \"/srv/data:rw\""
            .to_owned())
    }
}
