//! The sandbox whose namespaces and mounts an installed `bwrap` makes. Limits, Landlock, the filter of
//! system calls and the supervision are our helper's, which `bwrap` starts as process 1.

use std::fs;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use rustix::fs::{MemfdFlags, SeekFrom};
use rustix::io::FdFlags;

use super::cgroup::Group;
use super::helper::{ARGUMENT, JOIN, WITHIN};
use super::launch::{self, Begun};
use super::mounts::{OWN_SETTINGS, SETTINGS, SYSTEM, Step};
use super::namespaces::environment;
use super::rights::INSIDE;
use super::wire::{Bind, Held, Identity, Launch, Walls};
use super::{Helper, probe};
use crate::egress::Egress;
use crate::sandbox::places::{Shown, granted, hidden, proxy_environment, workspace_of};
use crate::sandbox::{Check, Job, Room, Running, Sandbox, SandboxError, Streams, WORKSPACE};

/// Where the helper stands inside.
const HELPER: &str = "/run/openclaw-helper";

/// Where `bwrap` is looked for.
const PLACES: [&str; 3] = ["/usr/bin/bwrap", "/usr/local/bin/bwrap", "/bin/bwrap"];

/// The sandbox of an installed bubblewrap. Clones share their count.
#[derive(Debug, Clone)]
pub struct Bubblewrap {
    program: Option<PathBuf>,
    helper: Helper,
    egress: Option<Arc<Egress>>,
    count: Arc<AtomicU64>,
}

impl Bubblewrap {
    /// With the `bwrap` that is installed, and a way out where there is one.
    pub fn installed(helper: Helper, egress: Option<Arc<Egress>>) -> Self {
        let program = PLACES.into_iter().map(PathBuf::from).find(|path| path.exists());
        Self { program, helper, egress, count: Arc::default() }
    }

    /// With this program as `bwrap`.
    pub fn program(path: impl Into<PathBuf>, helper: Helper) -> Self {
        Self { program: Some(path.into()), helper, egress: None, count: Arc::default() }
    }

    async fn begin(
        &self,
        room: &Room,
        job: Job,
        more: Vec<Shown>,
    ) -> Result<(Begun, Held), SandboxError> {
        let (own, room) = (self.clone(), room.clone());
        let begun = tokio::task::spawn_blocking(move || own.tell(&room, job, more));
        let (told, held) =
            begun.await.map_err(|error| SandboxError::Unavailable(error.to_string()))??;
        Ok((told.begun().await?, held))
    }

    fn tell(
        &self,
        room: &Room,
        job: Job,
        more: Vec<Shown>,
    ) -> Result<(launch::Told, Held), SandboxError> {
        let program = self
            .program
            .clone()
            .ok_or_else(|| SandboxError::Unavailable("bwrap is not installed".to_owned()))?;
        let hidden = hidden(room)?;
        let workspace = workspace_of(room, &hidden)?;
        let mut shown = granted(room, &workspace, &hidden)?;
        let target = WORKSPACE.into();
        shown.insert(0, Shown { source: workspace, target, writable: true });
        let source = self.helper.real_path();
        shown.push(Shown { source, target: HELPER.into(), writable: false });
        shown.extend(more);
        let number = self.count.fetch_add(1, Ordering::Relaxed);
        let name = format!("openclaw-{}-b{number}", std::process::id());
        let group = Group::create(&name, &room.limits);
        let held = group.held();
        let proxy = !room.reaches_nothing() && self.egress.is_some();
        let mut env = environment(job.streams);
        if proxy {
            env.extend(proxy_environment());
        }
        env.extend(job.env);
        let mut command = tokio::process::Command::new(self.helper.path());
        command.args([ARGUMENT, JOIN]).args(group.join()).arg("--").arg(program);
        command.args(arguments(room, &shown, &hidden));
        command.args(["--", HELPER, ARGUMENT, WITHIN]);
        let (uid, gid) = (rustix::process::geteuid(), rustix::process::getegid());
        let identity = Identity::Own { uid: uid.as_raw(), gid: gid.as_raw() };
        // What bwrap has built is not told again.
        let walls = Walls {
            identity,
            limits: room.limits,
            held,
            join: Vec::new(),
            binds: Vec::<Bind>::new(),
            hidden: Vec::new(),
            proxy,
        };
        let launch = Launch {
            argv: job.argv,
            cwd: job.cwd,
            env,
            tty: job.streams == Streams::Terminal,
            walls: Some(walls),
        };
        let told = launch::tell(command, &launch, job.streams, &[], Some(group))?;
        Ok((told, held))
    }
}

#[async_trait]
impl Sandbox for Bubblewrap {
    async fn start(&self, room: &Room, job: Job) -> Result<Running, SandboxError> {
        let (begun, _) = self.begin(room, job, Vec::new()).await?;
        begun.running_with(self.egress.as_ref(), room)
    }

    async fn check(&self, room: &Room) -> Result<Vec<Check>, SandboxError> {
        let job = Job {
            argv: probe::argv(&room.hidden, false),
            cwd: WORKSPACE.to_owned(),
            env: Vec::new(),
            streams: Streams::OutputOnly,
        };
        let source = self.helper.real_path();
        let program = Shown { source, target: probe::PROGRAM.into(), writable: false };
        let (begun, held) = self.begin(room, job, vec![program]).await?;
        let landlock = begun.landlock;
        let mut checks = probe::outside(begun.running(None)).await?;
        let (uid, gid) = (rustix::process::geteuid(), rustix::process::getegid());
        let identity = Identity::Own { uid: uid.as_raw(), gid: gid.as_raw() };
        checks.extend(probe::limits(landlock, identity, held, &room.limits));
        Ok(checks)
    }

    fn is_open(&self) -> bool {
        false
    }

    fn name(&self) -> &'static str {
        "bubblewrap"
    }
}

/// What `bwrap` is to build: the same as our own engine.
fn arguments(room: &Room, shown: &[Shown], hidden: &[PathBuf]) -> Vec<String> {
    let mut all: Vec<String> = [
        "--unshare-user",
        "--unshare-pid",
        "--unshare-net",
        "--unshare-ipc",
        "--unshare-uts",
        "--unshare-cgroup-try",
        "--as-pid-1",
        "--die-with-parent",
        "--cap-drop",
        "ALL",
        "--clearenv",
        "--hostname",
        "sandbox",
    ]
    .map(str::to_owned)
    .into();
    let mut add = |words: &[&str]| all.extend(words.iter().map(|word| (*word).to_owned()));
    let inside = INSIDE.to_string();
    add(&["--uid", &inside, "--gid", &inside]);
    for name in SYSTEM {
        let path = format!("/{name}");
        match fs::symlink_metadata(&path) {
            Ok(found) if found.is_symlink() => {
                if let Ok(link) = fs::read_link(&path) {
                    add(&["--symlink", &link.display().to_string(), &path]);
                }
            }
            Ok(found) if found.is_dir() => add(&["--ro-bind", &path, &path]),
            Ok(_) | Err(_) => {}
        }
    }
    for name in SETTINGS {
        let path = format!("/etc/{name}");
        add(&["--ro-bind-try", &path, &path]);
    }
    let share = (room.limits.memory_bytes / 4).to_string();
    add(&["--dev", "/dev", "--proc", "/proc"]);
    for (folder, mode) in [("/tmp", "1777"), ("/var/tmp", "1777"), ("/home/agent", "0777")] {
        add(&["--perms", mode, "--size", &share, "--tmpfs", folder]);
    }
    add(&["--dir", "/run"]);
    for one in shown {
        let word = if one.writable { "--bind" } else { "--ro-bind" };
        add(&[word, &one.source.display().to_string(), &one.target.display().to_string()]);
    }
    for path in hidden {
        let own = shown.iter().map(|one| (one.source.clone(), one.target.clone()));
        let system = SYSTEM.iter().map(|name| Path::new("/").join(name));
        for (source, target) in own.chain(system.map(|folder| (folder.clone(), folder))) {
            let Ok(rest) = path.strip_prefix(&source) else { continue };
            let place = target.join(rest).display().to_string();
            if path.is_dir() {
                add(&["--perms", "0000", "--size", "4096", "--tmpfs", &place]);
                add(&["--remount-ro", &place]);
            } else {
                add(&["--ro-bind", "/dev/null", &place]);
            }
        }
    }
    add(&["--remount-ro", "/"]);
    all
}

/// The helper that becomes `bwrap`: joins the groups, and brings the files that only a sandbox has.
pub(super) fn join(arguments: &[String]) -> Step<()> {
    let end = arguments.iter().position(|word| word == "--").ok_or("no program was named")?;
    let (groups, rest) = arguments.split_at(end);
    for group in groups {
        fs::write(group, "0").map_err(|error| format!("join {group}: {error}"))?;
    }
    let [_, program, rest @ ..] = rest else { return Err("no program was named".to_owned()) };
    let files = OWN_SETTINGS.map(|(name, text)| Ok((name, memory_file(name, text)?)));
    let files = files.into_iter().collect::<Step<Vec<_>>>()?;
    let mut command = Command::new(program);
    for (name, file) in &files {
        let place = format!("/etc/{name}");
        command.args(["--ro-bind-data", &file.as_raw_fd().to_string(), &place]);
    }
    let error = command.args(rest).env_clear().exec();
    Err(format!("run {program}: {error}"))
}

fn memory_file(name: &str, text: &str) -> Step<OwnedFd> {
    let failed = |error: rustix::io::Errno| format!("make {name}: {error}");
    let file = rustix::fs::memfd_create(name, MemfdFlags::CLOEXEC).map_err(failed)?;
    let mut rest = text.as_bytes();
    while !rest.is_empty() {
        let written = rustix::io::write(&file, rest).map_err(failed)?;
        rest = &rest[written..];
    }
    rustix::fs::seek(&file, SeekFrom::Start(0)).map_err(failed)?;
    rustix::io::fcntl_setfd(&file, FdFlags::empty()).map_err(failed)?;
    Ok(file)
}
