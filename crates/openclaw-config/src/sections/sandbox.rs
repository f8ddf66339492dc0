use std::path::PathBuf;

use openclaw_core::SandboxMode;

use super::level::Level;
use crate::{EgressCredential, SandboxEngine, SandboxPath, SpannedValue, TableReader};

const MODES: [(&str, SandboxMode); 3] = [
    ("never", SandboxMode::Never),
    ("non_main", SandboxMode::NonMain),
    ("always", SandboxMode::Always),
];

const ENGINES: [(&str, SandboxEngine); 4] = [
    ("auto", SandboxEngine::Auto),
    ("namespaces", SandboxEngine::Namespaces),
    ("bubblewrap", SandboxEngine::Bubblewrap),
    ("docker", SandboxEngine::Docker),
];

/// `[agents.sandbox]`, of all agents or of one; `None` is not set.
pub(crate) struct SandboxFields {
    pub(crate) mode: Option<SandboxMode>,
    pub(crate) timeout_secs: Option<u64>,
    pub(crate) engine: Option<SandboxEngine>,
    pub(crate) docker_socket: Option<PathBuf>,
    pub(crate) docker_image: Option<String>,
    pub(crate) allow_hosts: Option<Vec<String>>,
    pub(crate) egress: Option<Vec<EgressCredential>>,
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
        "What holds commands. auto: the first that works here of namespaces, which need nothing installed, bubblewrap and docker.",
        &ENGINES,
    );
    let engine = level.of(engine, "auto");
    let (docker_socket, docker_image) =
        reader.table("docker", "Containers, for the engine docker.", |reader| {
            let socket = reader
                .string("host", "The engine's socket, as unix:///path; without it what DOCKER_HOST names, else /var/run/docker.sock.")
                .parse(read_socket)
                .optional();
            let image = reader
                .string("image", "The image of containers, with bash in it. It is not pulled.");
            (socket, level.of(image, "debian:bookworm-slim"))
        });
    let allow_hosts = reader.strings_of(
        "allow_hosts",
        "Hosts that commands may reach, such as \"pypi.org\", \"*.github.com\" or \"example.com:8443\". None is no network.",
        read_host,
    );
    let allow_hosts = level.of(allow_hosts, SpannedValue::Array(Vec::new()));
    let egress = reader.tables(
        "egress",
        "Hosts that commands may reach as http://<host>: the proxy speaks HTTPS to them and adds a credential that commands do not see.",
        read_egress,
    );
    let egress =
        Some(egress.into_iter().flatten().collect::<Vec<_>>()).filter(|all| !all.is_empty());
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
        docker_socket,
        docker_image,
        allow_hosts,
        egress,
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

fn read_socket(text: String) -> Result<PathBuf, String> {
    let path = text.strip_prefix("unix://").map(PathBuf::from);
    path.filter(|path| path.is_absolute()).ok_or_else(|| {
        "must be a socket of this machine, such as \"unix:///var/run/docker.sock\"".to_owned()
    })
}

fn read_egress(reader: &mut TableReader<'_>) -> Option<EgressCredential> {
    let host = reader
        .string("host", "The host, such as \"api.github.com\".")
        .parse(|text| {
            let host = read_host(text)?;
            let is_one = !host.contains('*');
            is_one
                .then(|| host.to_ascii_lowercase())
                .ok_or_else(|| "must be one host, without \"*\"".to_owned())
        })
        .required();
    let header = reader
        .string("header", "The header that carries the credential.")
        .parse(|text| {
            let is_header = !text.is_empty()
                && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
            is_header.then_some(text).ok_or_else(|| "must be the name of a header".to_owned())
        })
        .default("Authorization");
    let secret =
        reader.required_secret("secret", "The header's whole value, such as \"Bearer …\".");
    Some(EgressCredential { host: host?, header, secret: secret? })
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
