use std::path::{Path, PathBuf};
use std::time::Duration;

use openclaw_tools::sandbox::{
    Ending, Helper, Job, Namespaces, Room, Sandbox, SandboxError, Streams,
};
use tokio::io::AsyncReadExt;

pub(crate) fn helper() -> Helper {
    Helper::program(env!("CARGO_BIN_EXE_sandbox-helper"))
}

pub(crate) fn sandbox() -> Namespaces {
    Namespaces::new(helper())
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

/// Runs a script in a fresh sandbox on this folder.
pub(crate) async fn script(room: &Room, text: &str) -> (String, Ending) {
    run_in(&sandbox(), room, job(&["/bin/bash", "-c", text])).await.expect("it starts")
}
