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
unavailable!(Host, true, "host");
