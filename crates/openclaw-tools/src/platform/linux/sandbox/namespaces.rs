use std::collections::HashMap;
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;

use super::cgroup::Group;
use super::launch::{self, Begun, START_LIMIT};
use super::wire::{Bind, Held, Identity, Launch, Walls};
use super::{Helper, idmap, probe};
use crate::egress::Egress;
use crate::sandbox::places::{granted, hidden, proxy_environment, workspace_of};
use crate::sandbox::{Check, Job, Room, Running, Sandbox, SandboxError, Streams, WORKSPACE};

/// The user id that payloads have outside, where the gateway may give ids away: nobody's.
const PAYLOAD_ID: u32 = 1_868_759_040;

/// The sandbox that needs nothing installed. Clones share what they found out.
#[derive(Debug, Clone)]
pub struct Namespaces(Arc<Engine>);

#[derive(Debug)]
struct Engine {
    helper: Helper,
    egress: Option<Arc<Egress>>,
    /// Numbers the control groups.
    count: AtomicU64,
    /// The maps of id-mapped mounts, by the owner on disk.
    maps: Mutex<HashMap<u32, Arc<OwnedFd>>>,
}

/// What was found out while a command was started.
struct Found {
    begun: Begun,
    identity: Identity,
    held: Held,
}

impl Namespaces {
    /// With this helper, and no way out for commands that are granted hosts.
    pub fn new(helper: Helper) -> Self {
        Self(Arc::new(Engine::new(helper, None)))
    }

    /// With a way out: commands reach the hosts they are granted through this proxy.
    pub fn with_egress(helper: Helper, egress: Arc<Egress>) -> Self {
        Self(Arc::new(Engine::new(helper, Some(egress))))
    }
}

impl Engine {
    fn new(helper: Helper, egress: Option<Arc<Egress>>) -> Self {
        Self { helper, egress, count: AtomicU64::new(0), maps: Mutex::default() }
    }

    async fn begin(
        self: &Arc<Self>,
        room: &Room,
        job: Job,
        more: Vec<Bind>,
    ) -> Result<Found, SandboxError> {
        let (own, room) = (self.clone(), room.clone());
        let begun = tokio::task::spawn_blocking(move || own.tell(&room, job, more));
        let (told, identity, held) =
            begun.await.map_err(|error| SandboxError::Unavailable(error.to_string()))??;
        Ok(Found { begun: told.begun().await?, identity, held })
    }

    fn tell(
        &self,
        room: &Room,
        job: Job,
        more: Vec<Bind>,
    ) -> Result<(launch::Told, Identity, Held), SandboxError> {
        let hidden = hidden(room)?;
        let workspace = workspace_of(room, &hidden)?;
        let mut binds: Vec<Bind> =
            granted(room, &workspace, &hidden)?.into_iter().map(Bind::from).collect();
        let target = WORKSPACE.into();
        binds.insert(0, Bind { source: workspace, target, writable: true, mapped: false });
        let (identity, mounts) = self.identity(&mut binds);
        binds.extend(more);
        let number = self.count.fetch_add(1, Ordering::Relaxed);
        let group =
            Group::create(&format!("openclaw-{}-{number}", std::process::id()), &room.limits);
        let held = group.held();
        let proxy = !room.reaches_nothing() && self.egress.is_some();
        let mut env = environment(job.streams);
        if proxy {
            env.extend(proxy_environment());
        }
        env.extend(job.env);
        let walls =
            Walls { identity, limits: room.limits, held, join: group.join(), binds, hidden, proxy };
        let launch = Launch {
            argv: job.argv,
            cwd: job.cwd,
            env,
            tty: job.streams == Streams::Terminal,
            walls: Some(walls),
        };
        let told = launch::tell(
            launch::outside(&self.helper),
            &launch,
            job.streams,
            &mounts,
            Some(group),
        )?;
        Ok((told, identity, held))
    }

    /// Who the payload is: where the gateway is root somebody else, and the folders are mounted so
    /// that it owns what the gateway does; else the gateway's own user under another number.
    fn identity(&self, binds: &mut [Bind]) -> (Identity, Vec<OwnedFd>) {
        let (uid, gid) = (rustix::process::geteuid(), rustix::process::getegid());
        let own = Identity::Own { uid: uid.as_raw(), gid: gid.as_raw() };
        if !uid.is_root() {
            return (own, Vec::new());
        }
        let mounts = self.map_of(uid.as_raw()).and_then(|map| {
            binds.iter().map(|bind| idmap::mount(&bind.source, &map)).collect::<Result<Vec<_>, _>>()
        });
        match mounts {
            Ok(mounts) => {
                binds.iter_mut().for_each(|bind| bind.mapped = true);
                (Identity::Mapped { id: PAYLOAD_ID }, mounts)
            }
            Err(error) => {
                tracing::debug!(%error, "a folder cannot be mounted for another user");
                (own, Vec::new())
            }
        }
    }

    fn map_of(&self, owner: u32) -> std::io::Result<Arc<OwnedFd>> {
        let mut maps = self.maps.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(map) = maps.get(&owner) {
            return Ok(map.clone());
        }
        let map = Arc::new(idmap::namespace(&self.helper, owner, PAYLOAD_ID, START_LIMIT)?);
        maps.insert(owner, map.clone());
        Ok(map)
    }
}

#[async_trait]
impl Sandbox for Namespaces {
    async fn start(&self, room: &Room, job: Job) -> Result<Running, SandboxError> {
        let found = self.0.begin(room, job, Vec::new()).await?;
        found.begun.running_with(self.0.egress.as_ref(), room)
    }

    async fn check(&self, room: &Room) -> Result<Vec<Check>, SandboxError> {
        let source = self.0.helper.real_path();
        let bind = Bind { source, target: probe::PROGRAM.into(), writable: false, mapped: false };
        let argv = probe::argv(&room.hidden, false);
        let job =
            Job { argv, cwd: WORKSPACE.to_owned(), env: Vec::new(), streams: Streams::OutputOnly };
        let found = self.0.begin(room, job, vec![bind]).await?;
        let (landlock, identity, held) = (found.begun.landlock, found.identity, found.held);
        let mut checks = probe::outside(found.begun.running(None)).await?;
        checks.extend(probe::limits(landlock, identity, held, &room.limits));
        Ok(checks)
    }

    fn is_open(&self) -> bool {
        false
    }

    fn name(&self) -> &'static str {
        "namespaces"
    }
}

/// What every command has, and all that it has: nothing comes from the gateway's environment.
pub(super) fn environment(streams: Streams) -> Vec<(String, String)> {
    let terminal = if streams == Streams::Terminal { "xterm-256color" } else { "dumb" };
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
