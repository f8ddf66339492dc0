use async_trait::async_trait;

use super::wire::Launch;
use super::{Helper, launch};
use crate::sandbox::{Check, Job, Room, Running, Sandbox, SandboxError, Streams};

/// Commands without walls: as the gateway's own user, with its files and its network. Only their
/// processes are kept together, so that all end with the command.
#[derive(Debug)]
pub struct Host {
    helper: Helper,
    env: Vec<(String, String)>,
}

impl Host {
    /// `env` is all that commands get from the gateway's own environment.
    pub fn new(helper: Helper, env: Vec<(String, String)>) -> Self {
        Self { helper, env }
    }
}

#[async_trait]
impl Sandbox for Host {
    async fn start(&self, _room: &Room, job: Job) -> Result<Running, SandboxError> {
        let mut env = self.env.clone();
        env.extend(job.env);
        let launch = Launch {
            argv: job.argv,
            cwd: job.cwd,
            env,
            tty: job.streams == Streams::Terminal,
            walls: None,
        };
        let helper = self.helper.clone();
        let told = tokio::task::spawn_blocking(move || {
            launch::tell(launch::outside(&helper), &launch, job.streams, &[], None)
        });
        let told = told.await.map_err(|error| SandboxError::Unavailable(error.to_string()))??;
        Ok(told.begun().await?.running(None))
    }

    async fn check(&self, _room: &Room) -> Result<Vec<Check>, SandboxError> {
        Ok(Vec::new())
    }

    fn is_open(&self) -> bool {
        true
    }

    fn name(&self) -> &'static str {
        "host"
    }
}
