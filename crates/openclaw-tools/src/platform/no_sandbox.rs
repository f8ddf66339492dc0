//! Where there are no namespaces: nothing is run.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use async_trait::async_trait;

use crate::sandbox::{Check, Job, Room, Running, Sandbox, SandboxError};

/// How the program starts itself as a helper.
#[derive(Debug, Clone)]
pub struct Helper(PathBuf);

impl Helper {
    /// This program.
    pub fn this_program() -> Self {
        Self(PathBuf::new())
    }

    /// Another program that calls [`run_helper`] first.
    pub fn program(path: impl Into<PathBuf>) -> Self {
        Self(path.into())
    }

    pub(crate) fn real_path(&self) -> PathBuf {
        self.0.clone()
    }
}

/// Runs a helper when the arguments ask for one; there is none here.
pub fn run_helper(_arguments: &[String]) -> Option<ExitCode> {
    None
}

/// The sandbox of namespaces, which needs Linux.
#[derive(Debug, Clone)]
pub struct Namespaces;

impl Namespaces {
    /// With this helper.
    pub fn new(_helper: Helper) -> Self {
        Self
    }

    /// With this helper and a way out.
    pub fn with_egress(_helper: Helper, _egress: Arc<crate::egress::Egress>) -> Self {
        Self
    }
}

/// The sandbox of bubblewrap, which needs Linux.
#[derive(Debug, Clone)]
pub struct Bubblewrap;

impl Bubblewrap {
    /// With this helper and a way out.
    pub fn installed(_helper: Helper, _egress: Option<Arc<crate::egress::Egress>>) -> Self {
        Self
    }

    /// With this program as `bwrap`.
    pub fn program(_path: impl Into<PathBuf>, _helper: Helper) -> Self {
        Self
    }
}

/// Only Linux's system calls are listed here; the engine's own filter holds.
pub(crate) fn filter_profile() -> Option<String> {
    None
}

/// Sees nothing: only Linux has control groups.
#[derive(Debug, Default)]
pub(crate) struct MemoryWatch;

impl MemoryWatch {
    pub(crate) fn none() -> Self {
        Self
    }

    pub(crate) fn of(_pid: u32) -> Self {
        Self
    }

    pub(crate) fn is_of_use(&self) -> bool {
        false
    }

    pub(crate) fn look(&mut self) {}

    pub(crate) fn ran_out(&self) -> bool {
        false
    }
}

/// Where the probe would stand; there is none to run in a container of another system.
pub(crate) const PROBE_PROGRAM: &str = "/run/openclaw-probe";

pub(crate) fn probe_argv(_hidden: &[PathBuf], _is_image: bool) -> Vec<String> {
    vec!["true".to_owned()]
}

pub(crate) async fn probed(running: Running) -> Result<Vec<Check>, SandboxError> {
    let ended = running.ending.await;
    Err(SandboxError::Unavailable(format!(
        "it cannot be proved here; a container ended with {ended:?}"
    )))
}

pub(crate) async fn listener_of(
    _helper: &Helper,
    _pid: u32,
) -> Result<std::net::TcpListener, String> {
    Err("it needs Linux".to_owned())
}

/// Commands without walls, which need Linux as well.
#[derive(Debug)]
pub struct Host;

impl Host {
    /// With this helper and these variables.
    pub fn new(_helper: Helper, _env: Vec<(String, String)>) -> Self {
        Self
    }
}

macro_rules! unavailable {
    ($engine:ty, $open:literal, $name:literal) => {
        #[async_trait]
        impl Sandbox for $engine {
            async fn start(&self, _room: &Room, _job: Job) -> Result<Running, SandboxError> {
                Err(SandboxError::Unavailable("it needs Linux".to_owned()))
            }

            async fn check(&self, _room: &Room) -> Result<Vec<Check>, SandboxError> {
                Err(SandboxError::Unavailable("it needs Linux".to_owned()))
            }

            fn is_open(&self) -> bool {
                $open
            }

            fn name(&self) -> &'static str {
                $name
            }
        }
    };
}

unavailable!(Namespaces, false, "namespaces");
unavailable!(Bubblewrap, false, "bubblewrap");
unavailable!(Host, true, "host");
