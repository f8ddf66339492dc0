use std::collections::HashMap;
use std::fs;
use std::io::ErrorKind;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;

use super::cgroup::Group;
use super::launch::{self, Begun, START_LIMIT};
use super::link::MOST_MOUNTS;
use super::wire::{Bind, Held, Identity, Launch, Walls};
use super::{Helper, helper, idmap, probe};
use crate::egress::Egress;
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
        let mut binds = granted(room, &workspace, &hidden)?;
        let target = WORKSPACE.into();
        binds.insert(0, Bind { source: workspace, target, writable: true, mapped: false });
        let (identity, mounts) = self.identity(&mut binds);
        binds.extend(more);
        let number = self.count.fetch_add(1, Ordering::Relaxed);
        let group =
            Group::create(&format!("openclaw-{}-{number}", std::process::id()), &room.limits);
        let held = group.held();
        let proxy = !room.hosts.is_empty() && self.egress.is_some();
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
        let told = launch::tell(&self.helper, &launch, job.streams, &mounts, Some(group))?;
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
        let mut begun = found.begun;
        let beside = match (begun.proxy.take(), &self.0.egress) {
            (Some(listener), Some(egress)) => {
                let serve = egress.serve(listener, &room.hosts);
                Some(serve.map_err(|error| {
                    SandboxError::Unavailable(format!("serve the egress proxy: {error}"))
                })?)
            }
            _ => None,
        };
        Ok(begun.running(beside))
    }

    async fn check(&self, room: &Room) -> Result<Vec<Check>, SandboxError> {
        let program = fs::read_link("/proc/self/exe")
            .ok()
            .filter(|_| self.0.helper.path() == Path::new("/proc/self/exe"));
        let program = program.unwrap_or_else(|| self.0.helper.path().to_owned());
        let bind =
            Bind { source: program, target: probe::PROGRAM.into(), writable: false, mapped: false };
        let hidden: Vec<String> =
            room.hidden.iter().map(|path| path.display().to_string()).collect();
        let mut argv =
            vec![probe::PROGRAM.to_owned(), helper::ARGUMENT.to_owned(), helper::PROBE.to_owned()];
        argv.extend(hidden);
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

/// What must not be seen, as it really stands. What cannot be found out cannot be kept out.
fn hidden(room: &Room) -> Result<Vec<PathBuf>, SandboxError> {
    let mut found = Vec::new();
    for path in &room.hidden {
        match fs::canonicalize(path) {
            Ok(path) => found.push(path),
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => {
                return Err(SandboxError::Refused(format!(
                    "{}, which commands must not see, cannot be looked at: {error}",
                    path.display()
                )));
            }
        }
    }
    Ok(found)
}

/// The workspace as it really stands, made where it is missing. Of what must not be seen only the
/// state folder's own workspaces are given.
fn workspace_of(room: &Room, hidden: &[PathBuf]) -> Result<PathBuf, SandboxError> {
    let refused = |error: std::io::Error| {
        SandboxError::Refused(format!(
            "the workspace {} cannot be used: {error}",
            room.workspace.display()
        ))
    };
    fs::create_dir_all(&room.workspace).map_err(refused)?;
    let workspace = fs::canonicalize(&room.workspace).map_err(refused)?;
    let is_own = |rest: &Path| rest.starts_with("workspace") || rest.starts_with("workspaces");
    let is_hidden = |path: &PathBuf| {
        workspace
            .strip_prefix(path)
            .is_ok_and(|rest| !is_own(rest) || rest == Path::new("workspaces"))
    };
    if hidden.iter().any(is_hidden) || workspace == Path::new("/") {
        return Err(SandboxError::Refused(format!(
            "the workspace {} holds what commands must not see; set agents.workspace to another folder",
            workspace.display()
        )));
    }
    Ok(workspace)
}

/// The granted paths as binds. One above what must not be seen is shown with that covered; one in
/// what must not be seen, or in what commands may write and could replace, is refused.
fn granted(room: &Room, workspace: &Path, hidden: &[PathBuf]) -> Result<Vec<Bind>, SandboxError> {
    if room.paths.len() >= MOST_MOUNTS {
        let most = MOST_MOUNTS - 1;
        return Err(SandboxError::Refused(format!("at most {most} paths can be granted")));
    }
    let real = |path: &Path| {
        fs::canonicalize(path).map_err(|error| {
            SandboxError::Refused(format!(
                "the granted path {} cannot be used: {error}",
                path.display()
            ))
        })
    };
    let mut writable = vec![workspace.to_owned(), PathBuf::from(WORKSPACE)];
    for granted in room.paths.iter().filter(|granted| granted.writable) {
        writable.extend([real(&granted.path)?, granted.path.clone()]);
    }
    let binds = room.paths.iter().map(|granted| {
        let source = real(&granted.path)?;
        let is_below = |folder: &PathBuf| {
            [source.as_path(), granted.path.as_path()]
                .into_iter()
                .any(|path| path != folder && path.starts_with(folder))
        };
        if let Some(folder) = writable.iter().find(|folder| is_below(folder)) {
            return Err(SandboxError::Refused(format!(
                "the path {} cannot be granted by itself: it is below {}, which commands may write",
                granted.path.display(),
                folder.display()
            )));
        }
        if hidden.iter().any(|path| source.starts_with(path)) {
            return Err(SandboxError::Refused(format!(
                "the path {} cannot be granted: commands must not see it",
                source.display()
            )));
        }
        let forbidden = ["/", "/proc", "/sys", "/dev", "/etc", "/run", "/var/run"];
        if forbidden.iter().any(|path| source == Path::new(path))
            || source.starts_with("/proc")
            || source.starts_with("/sys")
        {
            return Err(SandboxError::Refused(format!(
                "the path {} cannot be granted",
                source.display()
            )));
        }
        Ok(Bind { target: granted.path.clone(), source, writable: granted.writable, mapped: false })
    });
    binds.collect()
}

/// What every command has, and all that it has: nothing comes from the gateway's environment.
fn environment(streams: Streams) -> Vec<(String, String)> {
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

fn proxy_environment() -> impl Iterator<Item = (String, String)> {
    let proxy = format!("http://127.0.0.1:{}", helper::PROXY_PORT);
    ["http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"]
        .into_iter()
        .map(move |name| (name.to_owned(), proxy.clone()))
        .chain(
            ["no_proxy", "NO_PROXY"]
                .map(|name| (name.to_owned(), "localhost,127.0.0.1,::1".to_owned())),
        )
}
