use std::sync::{Arc, OnceLock};

use async_trait::async_trait;
use openclaw_config::SandboxEngine;

use super::{Bubblewrap, Check, Containers, Job, Namespaces, Room, Running, Sandbox, SandboxError};

/// All engines that have walls; a room says which.
///
/// What a room asks for by name is used or nothing. `auto` is the first that works here, which stays
/// the one until the gateway ends.
#[derive(Debug, Clone)]
pub struct Engines {
    namespaces: Namespaces,
    bubblewrap: Bubblewrap,
    containers: Containers,
    found: Arc<OnceLock<SandboxEngine>>,
}

/// In this order.
const AUTO: [SandboxEngine; 3] =
    [SandboxEngine::Namespaces, SandboxEngine::Bubblewrap, SandboxEngine::Docker];

impl Engines {
    /// These.
    pub fn new(namespaces: Namespaces, bubblewrap: Bubblewrap, containers: Containers) -> Self {
        Self { namespaces, bubblewrap, containers, found: Arc::default() }
    }

    /// The engine of containers.
    pub fn containers(&self) -> &Containers {
        &self.containers
    }

    /// The engine that a room's `auto` stands for here; `None` until a command has run.
    pub fn found(&self) -> Option<SandboxEngine> {
        self.found.get().copied()
    }

    fn engine(&self, engine: SandboxEngine) -> &dyn Sandbox {
        match engine {
            SandboxEngine::Auto | SandboxEngine::Namespaces => &self.namespaces,
            SandboxEngine::Bubblewrap => &self.bubblewrap,
            SandboxEngine::Docker => &self.containers,
        }
    }

    fn choices(&self, room: &Room) -> Vec<SandboxEngine> {
        match (room.engine, self.found.get()) {
            (SandboxEngine::Auto, Some(found)) => vec![*found],
            (SandboxEngine::Auto, None) => AUTO.into(),
            (asked, _) => vec![asked],
        }
    }

    /// Keeps the engine that worked, and says why those before it did not.
    async fn keep(&self, room: &Room, engine: SandboxEngine, before: &[String]) {
        if room.engine != SandboxEngine::Auto || self.found.set(engine).is_err() {
            return;
        }
        if !before.is_empty() {
            let name = self.engine(engine).name();
            tracing::warn!(engine = name, reasons = before.join("; "), "another sandbox is used");
        }
        // Where it is asked for by name this was done at the start.
        if engine == SandboxEngine::Docker
            && let Err(error) = self.containers.sweep(&room.docker).await
        {
            tracing::warn!(%error, "containers of an earlier run were not looked for");
        }
    }
}

#[async_trait]
impl Sandbox for Engines {
    async fn start(&self, room: &Room, job: Job) -> Result<Running, SandboxError> {
        let mut reasons = Vec::new();
        for choice in self.choices(room) {
            let engine = self.engine(choice);
            match engine.start(room, job.clone()).await {
                Err(SandboxError::Unavailable(reason)) => {
                    reasons.push(format!("{}: {reason}", engine.name()));
                }
                outcome => {
                    if outcome.is_ok() {
                        self.keep(room, choice, &reasons).await;
                    }
                    return outcome;
                }
            }
        }
        Err(SandboxError::Unavailable(reasons.join("; ")))
    }

    async fn check(&self, room: &Room) -> Result<Vec<Check>, SandboxError> {
        let mut reasons = Vec::new();
        for choice in self.choices(room) {
            let engine = self.engine(choice);
            match engine.check(room).await {
                Err(SandboxError::Unavailable(reason)) => {
                    reasons.push(format!("{}: {reason}", engine.name()));
                }
                outcome => {
                    return outcome.map(|mut checks| {
                        let detail = match reasons.as_slice() {
                            [] => engine.name().to_owned(),
                            before => format!("{}, as {}", engine.name(), before.join("; ")),
                        };
                        let what = "the engine works".to_owned();
                        checks.insert(0, Check { what, holds: true, detail });
                        checks
                    });
                }
            }
        }
        Err(SandboxError::Unavailable(reasons.join("; ")))
    }

    fn is_open(&self) -> bool {
        false
    }

    fn name(&self) -> &'static str {
        "sandbox"
    }
}
