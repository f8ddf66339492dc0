use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use openclaw_config::{DockerSettings, Environment};
use openclaw_core::{IdGen as _, SystemIds};
use openclaw_testkit::docker::{DockerEngine, IMAGE};
use openclaw_tools::egress::Egress;
use openclaw_tools::sandbox::{
    Bubblewrap, Containers, ContainersConfig, Ending, Helper, Job, Namespaces, Room, Sandbox,
    SandboxError, Streams,
};
use tokio::io::AsyncReadExt;
use tokio_util::task::TaskTracker;

pub(crate) fn helper() -> Helper {
    Helper::program(env!("CARGO_BIN_EXE_sandbox-helper"))
}

pub(crate) fn job(argv: &[&str]) -> Job {
    Job {
        argv: argv.iter().map(|text| (*text).to_owned()).collect(),
        cwd: "/workspace".to_owned(),
        env: Vec::new(),
        streams: Streams::OutputOnly,
    }
}

/// A home with a state folder that holds a secret, a workspace, and another session's workspace.
pub(crate) struct Places(tempfile::TempDir);

impl Places {
    pub(crate) fn new() -> Self {
        let places = Self(tempfile::tempdir().expect("a folder"));
        for folder in [places.workspace(), places.other_workspace()] {
            std::fs::create_dir_all(folder).expect("made");
        }
        std::fs::write(places.state().join("gateway.token"), "canary-token").expect("written");
        std::fs::write(places.other_workspace().join("secret"), "canary-other").expect("written");
        places
    }

    pub(crate) fn home(&self) -> &Path {
        self.0.path()
    }

    pub(crate) fn state(&self) -> PathBuf {
        self.home().join("state")
    }

    pub(crate) fn workspace(&self) -> PathBuf {
        self.state().join("workspace")
    }

    pub(crate) fn other_workspace(&self) -> PathBuf {
        self.state().join("workspaces/other")
    }
}

pub(crate) fn room(places: &Places) -> Room {
    Room { hidden: vec![places.state()], ..Room::new(places.workspace()) }
}

/// What a command printed and how it ended; it must end within the limit.
pub(crate) async fn run_in(
    sandbox: &dyn Sandbox,
    room: &Room,
    job: Job,
) -> Result<(String, Ending), SandboxError> {
    let mut running = sandbox.start(room, job).await?;
    let mut output = Vec::new();
    let work = async {
        let (read, ending) = tokio::join!(running.output.read_to_end(&mut output), running.ending);
        read.expect("the output can be read");
        ending
    };
    let ending = tokio::time::timeout(Duration::from_secs(60), work).await.expect("it ends");
    Ok((String::from_utf8_lossy(&output).into_owned(), ending))
}

/// An engine that a suite is about.
pub(crate) struct Bench {
    engine: Box<dyn Sandbox>,
    /// The service behind it, where it is the engine of containers.
    docker: Option<DockerEngine>,
}

impl Bench {
    pub(crate) fn namespaces() -> Option<Self> {
        Some(Self { engine: Box::new(Namespaces::new(helper())), docker: None })
    }

    pub(crate) fn bubblewrap() -> Option<Self> {
        let is_there = std::path::Path::new("/usr/bin/bwrap").exists();
        must_be(is_there, "bubblewrap is not installed");
        let engine = Box::new(Bubblewrap::installed(helper(), None));
        is_there.then_some(Self { engine, docker: None })
    }

    pub(crate) fn docker() -> Option<Self> {
        let docker = docker_engine()?;
        let engine = Box::new(containers(&docker, None));
        Some(Self { engine, docker: Some(docker) })
    }

    pub(crate) fn engine(&self) -> &dyn Sandbox {
        self.engine.as_ref()
    }

    pub(crate) fn is_docker(&self) -> bool {
        self.docker.is_some()
    }

    pub(crate) fn is_ours(&self) -> bool {
        self.engine.name() == "namespaces"
    }

    /// Whom commands take themselves for.
    pub(crate) fn user(&self) -> u32 {
        if self.is_docker() { rustix::process::geteuid().as_raw() } else { 1000 }
    }

    pub(crate) fn room(&self, places: &Places) -> Room {
        let mut room = room(places);
        if let Some(docker) = &self.docker {
            room.docker = settings(docker);
        }
        room
    }

    pub(crate) async fn run(
        &self,
        room: &Room,
        job: Job,
    ) -> Result<(String, Ending), SandboxError> {
        run_in(self.engine(), room, job).await
    }

    /// Runs a script in a fresh sandbox on this folder.
    pub(crate) async fn script(&self, room: &Room, text: &str) -> (String, Ending) {
        self.run(room, job(&["/bin/bash", "-c", text])).await.expect("it starts")
    }
}

pub(crate) fn settings(docker: &DockerEngine) -> DockerSettings {
    DockerSettings { socket: Some(docker.socket()), image: IMAGE.to_owned() }
}

pub(crate) fn containers(docker: &DockerEngine, egress: Option<Arc<Egress>>) -> Containers {
    Containers::new(ContainersConfig {
        socket: docker.socket(),
        owner: format!("test-{}", std::process::id()),
        run: SystemIds.new_id(),
        empty: docker.socket().with_file_name("empty"),
        helper: helper(),
        egress,
        tasks: TaskTracker::new(),
    })
}

/// A real engine; `None` where this machine cannot have one, which is a failure under CI.
pub(crate) fn docker_engine() -> Option<DockerEngine> {
    match DockerEngine::start() {
        Ok(engine) => Some(engine),
        Err(error) => {
            must_be(false, &error.to_string());
            None
        }
    }
}

fn must_be(is_there: bool, reason: &str) {
    let is_ci = Environment::capture().var("CI").is_some_and(|value| value == "true");
    assert!(is_there || !is_ci, "{reason}");
}
