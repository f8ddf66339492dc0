use std::collections::HashMap;
use std::path::{Component, Path, PathBuf};

use bollard::models::{ContainerCreateBody, HostConfig};

use crate::sandbox::places::{Shown, granted, hidden, proxy_environment, workspace_of};
use crate::sandbox::{Job, Room, SandboxError, Streams, WORKSPACE};

/// The label of every container of ours; its value is the gateway's id.
pub(super) const LABEL: &str = "ai.openclaw.gateway";

/// The label that says which run of the gateway made it.
pub(super) const RUN_LABEL: &str = "ai.openclaw.run";

/// Rows and columns of a terminal.
const TERMINAL: [usize; 2] = [40, 120];

/// What a container is made with, besides the command.
#[derive(Debug)]
pub(super) struct Recipe<'a> {
    pub(super) image: &'a str,
    /// The gateway's id.
    pub(super) owner: &'a str,
    /// The run of the gateway.
    pub(super) run: &'a str,
    /// The network it is in, as Docker calls it.
    pub(super) network: String,
    /// An empty folder, which covers folders that must not be seen.
    pub(super) empty: &'a Path,
    /// The filter of system calls, or the file that holds it; `None` is the engine's own.
    pub(super) filter: Option<String>,
    /// Whether the engine is asked for a process 1 of its own.
    pub(super) init: bool,
    /// More binds, read-only.
    pub(super) more: Vec<(PathBuf, PathBuf)>,
}

/// The container that runs a command. Blocks, as it looks at the folders.
pub(super) fn of_command(
    recipe: Recipe<'_>,
    room: &Room,
    job: &Job,
) -> Result<ContainerCreateBody, SandboxError> {
    let hidden = hidden(room)?;
    let workspace = workspace_of(room, &hidden)?;
    let mut shown = granted(room, &workspace, &hidden)?;
    let target = WORKSPACE.into();
    shown.insert(0, Shown { source: workspace, target, writable: true });
    shown.extend(recipe.more.iter().cloned().map(|(source, target)| Shown {
        source,
        target,
        writable: false,
    }));
    let mut binds = shown.iter().map(bind).collect::<Result<Vec<_>, _>>()?;
    let share = room.limits.memory_bytes / 4;
    let usual = format!("rw,exec,nosuid,nodev,mode=1777,size={share}");
    let folders = ["/tmp", "/var/tmp", "/run", "/home/agent"];
    let tmpfs: HashMap<String, String> =
        folders.map(|path| (path.to_owned(), usual.clone())).into();
    for path in &hidden {
        for place in shown.iter().filter_map(|one| Some(one.target.join(below(path, one)?))) {
            // A temporary file system over it would begin with a copy of it in some engines.
            let cover = if path.is_dir() { recipe.empty } else { Path::new("/dev/null") };
            binds.push(format!("{}:{}:ro", text(cover)?, text(&place)?));
        }
    }
    let is_terminal = job.streams == Streams::Terminal;
    let takes_input = job.streams != Streams::OutputOnly;
    let mut env = environment(is_terminal);
    if !room.reaches_nothing() {
        env.extend(proxy_environment());
    }
    env.extend(job.env.iter().cloned());
    let memory = i64::try_from(room.limits.memory_bytes).unwrap_or(i64::MAX);
    let own = HostConfig {
        binds: Some(binds),
        tmpfs: Some(tmpfs),
        memory: Some(memory),
        memory_swap: Some(memory),
        nano_cpus: Some(i64::from(room.limits.cpus) * 1_000_000_000),
        pids_limit: Some(i64::from(room.limits.processes)),
        shm_size: Some(i64::try_from(share).unwrap_or(i64::MAX)),
        console_size: is_terminal.then(|| TERMINAL.to_vec()),
        ..walls(&recipe)
    };
    Ok(ContainerCreateBody {
        cmd: Some(job.argv.clone()),
        env: Some(env.into_iter().map(|(name, value)| format!("{name}={value}")).collect()),
        working_dir: Some(job.cwd.clone()),
        tty: Some(is_terminal),
        open_stdin: Some(takes_input),
        stdin_once: Some(takes_input),
        attach_stdin: Some(takes_input),
        attach_stdout: Some(true),
        attach_stderr: Some(true),
        host_config: Some(own),
        ..common(&recipe)
    })
}

/// The container that holds a network and does nothing.
pub(super) fn of_network(recipe: Recipe<'_>) -> ContainerCreateBody {
    let own = HostConfig {
        memory: Some(32 * 1024 * 1024),
        memory_swap: Some(32 * 1024 * 1024),
        pids_limit: Some(8),
        ..walls(&recipe)
    };
    ContainerCreateBody {
        cmd: Some(["sleep", "2147483647"].map(str::to_owned).into()),
        host_config: Some(own),
        ..common(&recipe)
    }
}

fn common(recipe: &Recipe<'_>) -> ContainerCreateBody {
    ContainerCreateBody {
        image: Some(recipe.image.to_owned()),
        // Whatever the image would start before the command.
        entrypoint: Some(Vec::new()),
        // The workspace's files are this user's.
        user: Some(owner()),
        hostname: recipe.network.eq("none").then(|| "sandbox".to_owned()),
        labels: Some(
            [(LABEL, recipe.owner), (RUN_LABEL, recipe.run)]
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .into(),
        ),
        stop_signal: Some("SIGKILL".to_owned()),
        stop_timeout: Some(0),
        ..ContainerCreateBody::default()
    }
}

fn walls(recipe: &Recipe<'_>) -> HostConfig {
    HostConfig {
        network_mode: Some(recipe.network.clone()),
        readonly_rootfs: Some(true),
        cap_drop: Some(vec!["ALL".to_owned()]),
        security_opt: Some(
            std::iter::once("no-new-privileges".to_owned())
                .chain(recipe.filter.as_ref().map(|filter| format!("seccomp={filter}")))
                .collect(),
        ),
        ipc_mode: Some("private".to_owned()),
        init: Some(recipe.init),
        ..HostConfig::default()
    }
}

/// What every command has, and all that it has beside what the image sets.
fn environment(is_terminal: bool) -> Vec<(String, String)> {
    let terminal = if is_terminal { "xterm-256color" } else { "dumb" };
    [
        ("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"),
        ("HOME", "/home/agent"),
        ("USER", "agent"),
        ("LOGNAME", "agent"),
        ("SHELL", "/bin/bash"),
        ("LANG", "C.UTF-8"),
        ("TERM", terminal),
        ("TMPDIR", "/tmp"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .into()
}

fn bind(shown: &Shown) -> Result<String, SandboxError> {
    let mode = if shown.writable { "rw" } else { "ro" };
    Ok(format!("{}:{}:{mode}", text(&shown.source)?, text(&shown.target)?))
}

/// A path as the engine is told it, where a colon ends one.
fn text(path: &Path) -> Result<String, SandboxError> {
    match path.to_str() {
        Some(text) if !text.contains(':') => Ok(text.to_owned()),
        Some(_) | None => Err(SandboxError::Refused(format!(
            "the path {} cannot be given to a container: it has a colon or is not text",
            path.display()
        ))),
    }
}

/// Where a path stands below what is shown; empty when it is just that.
fn below(path: &Path, shown: &Shown) -> Option<PathBuf> {
    let rest = path.strip_prefix(&shown.source).ok()?;
    Some(rest.components().filter(|part| matches!(part, Component::Normal(_))).collect())
}

fn owner() -> String {
    #[cfg(unix)]
    return format!(
        "{}:{}",
        rustix::process::geteuid().as_raw(),
        rustix::process::getegid().as_raw()
    );
    #[cfg(not(unix))]
    return "1000:1000".to_owned();
}
