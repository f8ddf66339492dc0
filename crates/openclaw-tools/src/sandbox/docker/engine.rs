use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use bollard::errors::Error;
use bollard::models::ContainerCreateBody;
use bollard::query_parameters::{
    AttachContainerOptions, CreateContainerOptions, InspectContainerOptions, StartContainerOptions,
};
use bollard::{API_DEFAULT_VERSION, Docker};
use openclaw_config::DockerSettings;
use tokio_util::task::TaskTracker;

use super::body::{Recipe, of_command, of_network};
use super::command::{Input, Started};
use super::container::{Container, sweep};
use crate::egress::Egress;
use crate::platform::sandbox::{
    MemoryWatch, PROBE_PROGRAM, filter_profile, listener_of, probe_argv, probed,
};
use crate::sandbox::{
    Check, Helper, Job, Room, Running, Sandbox, SandboxError, Streams, WORKSPACE,
};

/// How long one call to the engine may take until it begins to answer, in seconds.
const CALL_LIMIT: u64 = 60;

/// What containers of a gateway have in common.
#[derive(Debug, Clone)]
pub struct ContainersConfig {
    /// The engine's socket where the settings name none.
    pub socket: PathBuf,
    /// The gateway's id: containers that carry another are left alone.
    pub owner: String,
    /// This run of the gateway, whose own containers are not swept up.
    pub run: String,
    /// A folder that is made and stays empty.
    pub empty: PathBuf,
    /// Opens the port of the egress proxy, and is the probe.
    pub helper: Helper,
    /// The way out; `None` grants no hosts.
    pub egress: Option<Arc<Egress>>,
    /// Owns the removal of containers whose command nobody waits for.
    pub tasks: TaskTracker,
}

/// Commands in containers of a Docker engine. Clones share their connections.
#[derive(Debug, Clone)]
pub struct Containers(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    config: ContainersConfig,
    engines: Mutex<HashMap<PathBuf, Docker>>,
    /// Whether the engine has a process 1 to offer; found out by asking for it.
    without_init: AtomicBool,
    /// Whether the engine reads the filter of system calls from a file; found out as well.
    filter_in_file: AtomicBool,
}

impl Containers {
    /// With these parts.
    pub fn new(config: ContainersConfig) -> Self {
        Self(Arc::new(Inner {
            config,
            engines: Mutex::default(),
            without_init: AtomicBool::new(false),
            filter_in_file: AtomicBool::new(false),
        }))
    }

    /// Removes the containers that an earlier process of this gateway left, because it was killed.
    /// Must not be called while another process of the same gateway may run commands.
    ///
    /// # Errors
    /// [`SandboxError::Unavailable`] when the engine cannot be reached.
    pub async fn sweep(&self, settings: &DockerSettings) -> Result<usize, SandboxError> {
        let docker = self.0.engine(settings).await?;
        let swept = sweep(&docker, &self.0.config.owner, &self.0.config.run).await;
        swept.map_err(|error| unavailable("look for containers that were left", &error))
    }

    /// Starts as a task of its own: what is begun when nobody waits any more is taken back.
    async fn begin(
        &self,
        room: &Room,
        job: Job,
        more: Vec<(PathBuf, PathBuf)>,
    ) -> Result<Running, SandboxError> {
        let (inner, room) = (self.0.clone(), room.clone());
        let begun = self.0.config.tasks.spawn(async move { inner.start(room, job, more).await });
        begun.await.map_err(|error| SandboxError::Unavailable(error.to_string()))?
    }
}

impl Inner {
    fn socket<'a>(&'a self, settings: &'a DockerSettings) -> &'a Path {
        settings.socket.as_deref().unwrap_or(&self.config.socket)
    }

    async fn engine(&self, settings: &DockerSettings) -> Result<Docker, SandboxError> {
        let socket = self.socket(settings);
        if let Some(known) = self.engines().get(socket) {
            return Ok(known.clone());
        }
        if !socket.exists() {
            let message = format!("there is no Docker engine at {}", socket.display());
            return Err(SandboxError::Unavailable(message));
        }
        let name = socket.display().to_string();
        let docker = Docker::connect_with_unix(&name, CALL_LIMIT, API_DEFAULT_VERSION);
        let docker = docker.map_err(|error| unavailable("find the Docker engine", &error))?;
        let docker = docker.negotiate_version().await;
        let docker = docker.map_err(|error| unavailable("reach the Docker engine", &error))?;
        self.engines().insert(socket.to_owned(), docker.clone());
        Ok(docker)
    }

    async fn start(
        self: Arc<Self>,
        room: Room,
        job: Job,
        more: Vec<(PathBuf, PathBuf)>,
    ) -> Result<Running, SandboxError> {
        let docker = self.engine(&room.docker).await?;
        let (network, beside) = if room.reaches_nothing() {
            (None, None)
        } else {
            let (network, beside) = self.network(&docker, &room).await?;
            (Some(network), Some(beside))
        };
        let takes_input = job.streams != Streams::OutputOnly;
        let program = job.argv.first().cloned().unwrap_or_default();
        let image = room.docker.image.clone();
        let name = network.as_ref().map(|network| format!("container:{}", network.id));
        let (own, config) = (room.docker.image.clone(), self.config.clone());
        let init = !self.without_init.load(Ordering::Relaxed);
        let body = tokio::task::spawn_blocking(move || {
            let network = name.unwrap_or_else(|| "none".to_owned());
            let ContainersConfig { owner, run, empty, .. } = &config;
            std::fs::create_dir_all(empty).map_err(|error| {
                SandboxError::Unavailable(format!("make {}: {error}", empty.display()))
            })?;
            let filter = filter_profile();
            let recipe = Recipe { image: &own, owner, run, network, empty, filter, init, more };
            of_command(recipe, &room, &job)
        });
        let body = body.await.map_err(|error| SandboxError::Unavailable(error.to_string()))??;
        let container = self.create(&docker, body, &image).await?;
        let attach = AttachContainerOptions {
            stream: true,
            stdin: takes_input,
            stdout: true,
            stderr: true,
            ..AttachContainerOptions::default()
        };
        let attached = docker.attach_container(&container.id, Some(attach)).await;
        let attached = attached.map_err(|error| not_started(&program, &error))?;
        let started = docker.start_container(&container.id, None::<StartContainerOptions>).await;
        started.map_err(|error| not_started(&program, &error))?;
        let memory = pid_of(&container).await.map_or_else(MemoryWatch::none, MemoryWatch::of);
        let tasks = self.config.tasks.clone();
        let input = takes_input.then(|| Input::new(attached.input, tasks));
        let started = Started { container, network, output: attached.output, input, memory };
        Ok(started.running(beside))
    }

    /// A network that reaches nothing but the egress proxy, which is served by what comes along.
    async fn network(
        &self,
        docker: &Docker,
        room: &Room,
    ) -> Result<(Container, crate::egress::Serve), SandboxError> {
        let Some(egress) = &self.config.egress else {
            let message = "hosts are granted, and there is no egress proxy here".to_owned();
            return Err(SandboxError::Unavailable(message));
        };
        let init = !self.without_init.load(Ordering::Relaxed);
        let image = &room.docker.image;
        let network = "none".to_owned();
        let ContainersConfig { owner, run, empty, .. } = &self.config;
        let filter = filter_profile();
        let recipe = Recipe { image, owner, run, network, empty, filter, init, more: Vec::new() };
        let container = self.create(docker, of_network(recipe), image).await?;
        let started = docker.start_container(&container.id, None::<StartContainerOptions>).await;
        started.map_err(|error| unavailable("start the container of a network", &error))?;
        let pid = pid_of(&container).await.ok_or_else(|| {
            SandboxError::Unavailable("the container of a network has ended".to_owned())
        })?;
        let listener = listener_of(&self.config.helper, pid).await.map_err(|error| {
            SandboxError::Unavailable(format!(
                "open the egress proxy's port in a container's network: {error}; the gateway must run as root or \
                 own the engine, or grant no hosts"
            ))
        })?;
        let serve = egress.serve(listener, &room.hosts, &room.credentials).map_err(|error| {
            SandboxError::Unavailable(format!("serve the egress proxy: {error}"))
        })?;
        Ok((container, serve))
    }

    async fn create(
        &self,
        docker: &Docker,
        mut body: ContainerCreateBody,
        image: &str,
    ) -> Result<Container, SandboxError> {
        if self.filter_in_file.load(Ordering::Relaxed) {
            self.filter_from_file(&mut body)?;
        }
        loop {
            let created =
                docker.create_container(None::<CreateContainerOptions>, body.clone()).await;
            let error = match created {
                Ok(created) => {
                    let tasks = self.config.tasks.clone();
                    return Ok(Container::new(docker.clone(), created.id, tasks));
                }
                Err(error) => error,
            };
            let text = error.to_string();
            let asks_for_init = body.host_config.as_ref().and_then(|host| host.init) == Some(true);
            if asks_for_init && text.contains("init") && !text.contains("seccomp") {
                tracing::debug!(%error, "the engine has no process 1 to offer");
                self.without_init.store(true, Ordering::Relaxed);
                if let Some(host) = &mut body.host_config {
                    host.init = Some(false);
                }
                continue;
            }
            if text.contains("seccomp") && !self.filter_in_file.swap(true, Ordering::Relaxed) {
                self.filter_from_file(&mut body)?;
                continue;
            }
            return Err(match &error {
                Error::DockerResponseServerError { status_code: 404, .. } => {
                    SandboxError::Unavailable(format!(
                        "the image {image} is not there; `docker pull {image}` fetches it"
                    ))
                }
                _ => unavailable("make a container", &error),
            });
        }
    }

    /// Puts the filter of system calls where an engine of this machine can read it.
    fn filter_from_file(&self, body: &mut ContainerCreateBody) -> Result<(), SandboxError> {
        let options = body.host_config.as_mut().and_then(|host| host.security_opt.as_mut());
        for option in options.into_iter().flatten() {
            let Some(text) = option.strip_prefix("seccomp={") else { continue };
            let file = self.config.empty.with_extension("seccomp.json");
            std::fs::write(&file, format!("{{{text}")).map_err(|error| {
                SandboxError::Unavailable(format!("write {}: {error}", file.display()))
            })?;
            *option = format!("seccomp={}", file.display());
        }
        Ok(())
    }

    fn engines(&self) -> std::sync::MutexGuard<'_, HashMap<PathBuf, Docker>> {
        self.engines.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Sandbox for Containers {
    async fn start(&self, room: &Room, job: Job) -> Result<Running, SandboxError> {
        self.begin(room, job, Vec::new()).await
    }

    async fn check(&self, room: &Room) -> Result<Vec<Check>, SandboxError> {
        let docker = self.0.engine(&room.docker).await?;
        let info = docker.info().await.map_err(|error| unavailable("ask the engine", &error))?;
        let job = Job {
            argv: probe_argv(&room.hidden, true),
            cwd: WORKSPACE.to_owned(),
            env: Vec::new(),
            streams: Streams::OutputOnly,
        };
        let program = (self.0.config.helper.real_path(), PathBuf::from(PROBE_PROGRAM));
        let mut checks = probed(self.begin(room, job, vec![program]).await?).await?;
        let check =
            |what: String, holds, detail: &str| Check { what, holds, detail: detail.to_owned() };
        let held = |holds: Option<bool>| match holds {
            Some(true) => (true, "by the engine"),
            Some(false) | None => (false, "the engine says that it cannot"),
        };
        let safe = info.security_options.unwrap_or_default();
        let is_mapped = safe.iter().any(|one| one.contains("userns") || one.contains("rootless"));
        let limits = &room.limits;
        let mib = limits.memory_bytes / (1024 * 1024);
        for (what, holds) in [
            (format!("{mib} MiB of memory"), info.memory_limit),
            (format!("{} processes", limits.processes), info.pids_limit),
            (format!("{} processor(s)", limits.cpus), info.cpu_cfs_quota),
        ] {
            let (holds, detail) = held(holds);
            checks.push(check(what, holds, detail));
        }
        let detail = if is_mapped {
            "the engine maps users"
        } else {
            "outside they are the gateway's own user, without capabilities; inside they see only what is mounted"
        };
        checks.push(check("commands run as another user".to_owned(), is_mapped, detail));
        Ok(checks)
    }

    fn is_open(&self) -> bool {
        false
    }

    fn name(&self) -> &'static str {
        "docker"
    }
}

/// The host's id of a container's first process, while there is one.
async fn pid_of(container: &Container) -> Option<u32> {
    let Container { docker, id, .. } = container;
    let found = docker.inspect_container(id, None::<InspectContainerOptions>).await;
    let state = found.ok()?.state?;
    u32::try_from(state.pid?).ok().filter(|pid| *pid > 0)
}

fn not_started(program: &str, error: &Error) -> SandboxError {
    let text = error.to_string().to_ascii_lowercase();
    let is_missing = ["no such file", "not found", "permission denied", "not a directory"];
    match error {
        Error::DockerResponseServerError { .. }
            if is_missing.iter().any(|words| text.contains(words)) =>
        {
            SandboxError::NotRun(format!(
                "cannot run {program}: the container has no such program or folder"
            ))
        }
        _ => unavailable("start a container", error),
    }
}

fn unavailable(doing: &str, error: &Error) -> SandboxError {
    SandboxError::Unavailable(format!("cannot {doing}: {error}"))
}
