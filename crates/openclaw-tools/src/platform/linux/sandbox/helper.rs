//! The helper processes: what `openclaw` becomes when it is started to hold a command.
//!
//! The first stands outside: it joins the control groups, makes the process namespace and waits.
//! The second is process 1 inside: it builds the walls, gives up its rights, starts the payload and
//! supervises it. Each has one thread, and everything they need comes over a stream.

use std::fs;
use std::io::{Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::process::{Command, ExitCode, Stdio};

use nix::sched::{CloneFlags, unshare};
use rustix::process::{Signal, set_parent_process_death_signal};

use super::mounts::{self, Step};
use super::rights;
use super::supervise::{Payload, supervise};
use super::wire::{Identity, Launch, Report, Walls};
use super::{bubblewrap, inherited, landlock, link, loopback, network, seccomp};
use crate::sandbox::places::PROXY_PORT;

/// The argument that makes the program a helper; what follows says which.
pub(super) const ARGUMENT: &str = crate::sandbox::HELPER_ARGUMENT;
pub(super) const OUTSIDE: &str = "outside";
const INSIDE: &str = "inside";
pub(super) const HOLD: &str = "hold";
pub(super) const PROBE: &str = "probe";
pub(super) const LISTEN: &str = "listen";
pub(super) const JOIN: &str = "join";
pub(super) const WITHIN: &str = "within";

/// Runs a helper when the arguments ask for one; `None` for every other program start.
pub(super) fn run(arguments: &[String]) -> Option<ExitCode> {
    let [first, role, rest @ ..] = arguments else { return None };
    if first != ARGUMENT {
        return None;
    }
    if let Err(error) = inherited::keep_back() {
        return Some(failed(&format!("keep descriptors back: {error}")));
    }
    let outcome = match role.as_str() {
        OUTSIDE => outside(),
        INSIDE => inside(),
        HOLD => hold(),
        PROBE => super::probe::inside(rest),
        LISTEN => listen(rest),
        JOIN => bubblewrap::join(rest),
        WITHIN => within(),
        other => Err(format!("there is no helper {other:?}")),
    };
    match outcome {
        Ok(()) => Some(ExitCode::SUCCESS),
        Err(message) => Some(failed(&message)),
    }
}

fn failed(message: &str) -> ExitCode {
    // The stream has said it already; this is for who starts a helper by hand.
    let told = writeln!(std::io::stderr(), "openclaw: sandbox helper: {message}");
    ExitCode::from(if told.is_ok() { 125 } else { 126 })
}

/// The stream that is this process's standard input.
fn parent() -> Step<UnixStream> {
    let stdin = std::io::stdin().as_fd().try_clone_to_owned();
    stdin.map(UnixStream::from).map_err(|error| format!("take over the stream: {error}"))
}

fn outside() -> Step<()> {
    leave_session()?;
    let gateway = parent()?;
    let outcome = outside_with(&gateway);
    report_failure(&gateway, &outcome);
    outcome
}

/// What is typed at the gateway's terminal is not meant for its commands.
fn leave_session() -> Step<()> {
    rustix::process::setsid().map(drop).map_err(|error| format!("leave the session: {error}"))
}

fn report_failure(gateway: &UnixStream, outcome: &Step<()>) {
    if let Err(message) = outcome {
        let report = Report::Failed { message: message.clone() };
        if let Err(error) = link::send(gateway, &report, &[]) {
            // Whoever asked is gone; there is nobody left to tell.
            drop(error);
        }
    }
}

fn outside_with(gateway: &UnixStream) -> Step<()> {
    let received =
        link::receive::<Launch>(gateway).map_err(|error| format!("read what to run: {error}"))?;
    let Some((launch, fds)) = received else { return Ok(()) };
    let Some(walls) = &launch.walls else {
        let payload = Payload::new(launch, fds)?;
        return supervise(payload, gateway, None);
    };
    for group in &walls.join {
        fs::write(group, "0").map_err(|error| format!("join {}: {error}", group.display()))?;
    }
    if let Identity::Own { uid, gid } = walls.identity {
        // As its root, so that the supervisor keeps the rights over its namespaces when it starts.
        rights::enter_own_namespace(0, uid, gid)?;
    }
    unshare(CloneFlags::CLONE_NEWPID)
        .map_err(|error| format!("make a process namespace: {error}"))?;
    let (ours, theirs) = UnixStream::pair().map_err(|error| format!("make a stream: {error}"))?;
    let mut child = Command::new("/proc/self/exe")
        .args([ARGUMENT, INSIDE])
        .env_clear()
        .stdin(Stdio::from(OwnedFd::from(theirs)))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|error| format!("start the supervisor: {error}"))?;
    let mut passed = vec![gateway.as_fd()];
    passed.extend(fds.iter().map(AsFd::as_fd));
    link::send(&ours, &launch, &passed).map_err(|error| format!("tell what to run: {error}"))?;
    drop(fds);
    if let Identity::Mapped { id } = walls.identity {
        let mut asked = [0];
        // End of stream: it failed and has said why.
        if (&ours).read(&mut asked).map_err(|error| format!("hear of the supervisor: {error}"))?
            == 1
        {
            rights::map_namespace_of(child.id(), rights::INSIDE, id)?;
            (&ours).write_all(b"m").map_err(|error| format!("answer the supervisor: {error}"))?;
        }
    }
    child.wait().map_err(|error| format!("wait for the supervisor: {error}"))?;
    Ok(())
}

fn inside() -> Step<()> {
    set_parent_process_death_signal(Some(Signal::KILL))
        .map_err(|error| format!("bind to the parent: {error}"))?;
    leave_session()?;
    let parent = parent()?;
    let received =
        link::receive::<Launch>(&parent).map_err(|error| format!("read what to run: {error}"))?;
    let Some((launch, mut fds)) = received else { return Ok(()) };
    if fds.is_empty() {
        return Err("the stream to the gateway is missing".to_owned());
    }
    let gateway = UnixStream::from(fds.remove(0));
    let outcome = inside_with(launch, fds, &gateway, &parent);
    report_failure(&gateway, &outcome);
    outcome
}

fn inside_with(
    launch: Launch,
    mut fds: Vec<OwnedFd>,
    gateway: &UnixStream,
    parent: &UnixStream,
) -> Step<()> {
    let Some(walls) = launch.walls.clone() else {
        return Err("there are no walls to build".to_owned());
    };
    let mapped = fds.split_off(fds.len().min(3));
    rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o022));
    let landlock = build(&walls, mapped, gateway, parent)?;
    let watch = (!walls.held.memory || !walls.held.processes).then_some(walls.limits);
    let payload = Payload::new(launch, fds)?;
    supervise(payload.behind_walls(landlock), gateway, watch)
}

/// Process 1 of a sandbox that `bwrap` has built: the stream is the gateway's own.
fn within() -> Step<()> {
    set_parent_process_death_signal(Some(Signal::KILL))
        .map_err(|error| format!("bind to the parent: {error}"))?;
    leave_session()?;
    let gateway = parent()?;
    let received =
        link::receive::<Launch>(&gateway).map_err(|error| format!("read what to run: {error}"))?;
    let Some((launch, fds)) = received else { return Ok(()) };
    let outcome = within_with(launch, fds, &gateway);
    report_failure(&gateway, &outcome);
    outcome
}

fn within_with(launch: Launch, fds: Vec<OwnedFd>, gateway: &UnixStream) -> Step<()> {
    let Some(walls) = launch.walls.clone() else {
        return Err("there are no walls".to_owned());
    };
    rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o022));
    if walls.proxy {
        hand_over_proxy(gateway)?;
    }
    let landlock = confine(&walls)?;
    let watch = (!walls.held.memory || !walls.held.processes).then_some(walls.limits);
    let payload = Payload::new(launch, fds)?;
    supervise(payload.behind_walls(landlock), gateway, watch)
}

fn hand_over_proxy(gateway: &UnixStream) -> Step<()> {
    let listener = std::net::TcpListener::bind((std::net::Ipv4Addr::LOCALHOST, PROXY_PORT))
        .map_err(|error| format!("open the proxy's port: {error}"))?;
    link::send(gateway, &Report::Proxy, &[listener.as_fd()])
        .map_err(|error| format!("hand over the proxy's port: {error}"))
}

/// Gives up what a payload must not have. Whether Landlock holds as well.
fn confine(walls: &Walls) -> Step<bool> {
    rights::drop_all(walls)?;
    let landlock = landlock::apply().map_err(|error| format!("set up Landlock: {error}"))?;
    seccomp::apply().map_err(|error| format!("filter system calls: {error}"))?;
    Ok(landlock)
}

fn build(
    walls: &Walls,
    mapped: Vec<OwnedFd>,
    gateway: &UnixStream,
    parent: &UnixStream,
) -> Step<bool> {
    let namespaces = CloneFlags::CLONE_NEWNS
        | CloneFlags::CLONE_NEWNET
        | CloneFlags::CLONE_NEWIPC
        | CloneFlags::CLONE_NEWUTS
        | CloneFlags::CLONE_NEWCGROUP;
    unshare(namespaces).map_err(|error| format!("make the namespaces: {error}"))?;
    rustix::system::sethostname(b"sandbox")
        .map_err(|error| format!("name the sandbox: {error}"))?;
    loopback::bring_up().map_err(|error| format!("bring up the loopback interface: {error}"))?;
    mounts::build(walls, &mapped)?;
    drop(mapped);
    if walls.proxy {
        hand_over_proxy(gateway)?;
    }
    match walls.identity {
        Identity::Mapped { .. } => rights::enter_mapped_namespace(parent)?,
        Identity::Own { .. } => rights::enter_own_namespace(rights::INSIDE, 0, 0)?,
    }
    let landlock = confine(walls)?;
    // Changing the user has cleared it.
    set_parent_process_death_signal(Some(Signal::KILL))
        .map_err(|error| format!("bind to the parent: {error}"))?;
    Ok(landlock)
}

fn listen(arguments: &[String]) -> Step<()> {
    let gateway = parent()?;
    let outcome = network::listen(&gateway, arguments);
    report_failure(&gateway, &outcome);
    outcome
}

/// Keeps a user namespace alive until its maps were written and it was opened.
fn hold() -> Step<()> {
    let parent = parent()?;
    unshare(CloneFlags::CLONE_NEWUSER)
        .map_err(|error| format!("make a user namespace: {error}"))?;
    let mut stream: &UnixStream = &parent;
    stream.write_all(b"u").map_err(|error| format!("say that it stands: {error}"))?;
    stream.read_exact(&mut [0]).map_err(|error| format!("wait for the end: {error}"))
}
