//! Starts the payload, waits for its end, and ends all that it left behind.

use std::fs;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};
use std::time::Duration;

use nix::sys::signal::{Signal as NixSignal, kill};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Signal, WaitOptions, WaitStatus};

use super::mounts::Step;
use super::wire::{Exit, Launch, Report};
use super::{link, rights};
use crate::sandbox::Limits;

/// How often what no control group holds is looked at, and orphans are collected.
const TICK: Duration = Duration::from_millis(100);

/// What is to be started.
pub(super) struct Payload {
    launch: Launch,
    streams: [OwnedFd; 3],
    /// Whether Landlock holds; `None` on the host.
    landlock: Option<bool>,
}

impl Payload {
    pub(super) fn new(launch: Launch, streams: Vec<OwnedFd>) -> Step<Self> {
        let streams =
            streams.try_into().map_err(|_| "the standard streams are missing".to_owned())?;
        Ok(Self { launch, streams, landlock: None })
    }

    pub(super) fn behind_walls(self, landlock: bool) -> Self {
        Self { landlock: Some(landlock), ..self }
    }
}

/// Runs the payload to its end. When the gateway's stream closes, everything is ended.
pub(super) fn supervise(payload: Payload, gateway: &UnixStream, watch: Option<Limits>) -> Step<()> {
    let family = match payload.landlock {
        Some(_) => Family::Namespace,
        None => {
            let own = rustix::process::getpid();
            rustix::process::set_child_subreaper(Some(own))
                .map_err(|error| format!("adopt orphans: {error}"))?;
            Family::Descendants
        }
    };
    let report = |report: &Report| {
        link::send(gateway, report, &[]).map_err(|error| format!("report to the gateway: {error}"))
    };
    let landlock = payload.landlock.unwrap_or_default();
    let child = match start(payload, &family) {
        Ok(child) => child,
        Err(message) => return report(&Report::NotRun { message }),
    };
    // Whatever fails from here on, what was started ends.
    let exit = report(&Report::Started { landlock }).and_then(|()| wait(child, gateway, watch));
    family.end(child);
    match exit? {
        Some(exit) => report(&Report::Ended { exit }),
        None => Ok(()),
    }
}

fn start(payload: Payload, family: &Family) -> Result<Pid, String> {
    let Payload { launch, streams, .. } = payload;
    let [stdin, stdout, stderr] = streams;
    let (program, arguments) = launch.argv.split_first().ok_or("there is no program to run")?;
    rustix::process::chdir(&launch.cwd)
        .map_err(|error| format!("cannot enter the folder {}: {error}", launch.cwd))?;
    let terminal = if launch.tty {
        rustix::process::ioctl_tiocsctty(&stdin)
            .map_err(|error| format!("take the terminal: {error}"))?;
        Some(stdin.try_clone().map_err(|error| format!("take the terminal: {error}"))?)
    } else {
        None
    };
    let child = Command::new(program)
        .args(arguments)
        .env_clear()
        .envs(launch.env)
        .process_group(0)
        .stdin(Stdio::from(stdin))
        .stdout(Stdio::from(stdout))
        .stderr(Stdio::from(stderr))
        .spawn()
        .map_err(|error| format!("cannot run {program}: {error}"))?;
    let child = Pid::from_child(&child);
    if let Some(terminal) = terminal {
        let foreground = rustix::termios::tcsetpgrp(&terminal, child)
            // It may have read before the terminal was its own.
            .and_then(|()| rustix::process::kill_process_group(child, Signal::CONT));
        match foreground {
            // It has ended already.
            Ok(()) | Err(rustix::io::Errno::SRCH | rustix::io::Errno::PERM) => {}
            Err(error) => {
                family.end(child);
                return Err(format!("hand over the terminal: {error}"));
            }
        }
    }
    Ok(child)
}

/// `None` when the gateway is gone.
fn wait(child: Pid, gateway: &UnixStream, watch: Option<Limits>) -> Step<Option<Exit>> {
    let failed = |error: rustix::io::Errno| format!("wait for the command: {error}");
    let handle = rustix::process::pidfd_open(child, PidfdFlags::empty()).map_err(failed)?;
    let tick = Timespec::try_from(TICK).expect("a tick fits");
    loop {
        let mut waited = [PollFd::new(&handle, PollFlags::IN), PollFd::new(gateway, PollFlags::IN)];
        match poll(&mut waited, Some(&tick)) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(failed(error)),
        }
        let is_quiet = waited[1].revents().is_empty();
        if let Some(exit) = collect(child)? {
            return Ok(Some(exit));
        }
        if !is_quiet && !rights::is_open(gateway.as_fd()) {
            return Ok(None);
        }
        if let Some(exit) = watch.and_then(|limits| overrun(&limits)) {
            return Ok(Some(exit));
        }
    }
}

/// Collects every process that has ended; how the payload did.
fn collect(child: Pid) -> Step<Option<Exit>> {
    loop {
        match rustix::process::wait(WaitOptions::NOHANG) {
            Ok(Some((pid, status))) if pid == child => {
                if let Some(exit) = exit_of(status) {
                    return Ok(Some(exit));
                }
            }
            Ok(Some(_)) | Err(rustix::io::Errno::INTR) => {}
            Ok(None) | Err(rustix::io::Errno::CHILD) => return Ok(None),
            Err(error) => return Err(format!("wait for the command: {error}")),
        }
    }
}

fn exit_of(status: WaitStatus) -> Option<Exit> {
    let code = status.exit_status().map(Exit::Code);
    code.or_else(|| status.terminating_signal().map(Exit::Signal))
}

/// Which processes are the payload's.
enum Family {
    /// All of this process namespace.
    Namespace,
    /// All that descend from this process.
    Descendants,
}

impl Family {
    fn end(&self, child: Pid) {
        match self {
            Self::Namespace => {
                // Nobody left is the only way it fails.
                if kill(nix::unistd::Pid::from_raw(-1), NixSignal::SIGKILL).is_ok() {
                    reap();
                }
            }
            Self::Descendants => {
                // The first sweep may miss what is being started; what it missed is ours after it.
                for _ in 0..16 {
                    let group_is_gone =
                        rustix::process::kill_process_group(child, Signal::KILL).is_err();
                    let found = descendants();
                    let ended = found
                        .iter()
                        .filter(|pid| rustix::process::kill_process(**pid, Signal::KILL).is_ok())
                        .count();
                    reap();
                    if group_is_gone && ended == 0 {
                        break;
                    }
                }
            }
        }
    }
}

fn reap() {
    while !matches!(rustix::process::wait(WaitOptions::empty()), Err(rustix::io::Errno::CHILD)) {}
}

fn descendants() -> Vec<Pid> {
    let mut found = Vec::new();
    let mut pending = vec!["self".to_owned()];
    while let Some(parent) = pending.pop() {
        let Ok(tasks) = fs::read_dir(format!("/proc/{parent}/task")) else { continue };
        for task in tasks.flatten() {
            let children = fs::read_to_string(task.path().join("children")).unwrap_or_default();
            for child in children.split_whitespace() {
                if let Some(pid) = child.parse().ok().and_then(Pid::from_raw) {
                    found.push(pid);
                    pending.push(child.to_owned());
                }
            }
        }
    }
    found
}

/// What went over a limit that no control group holds.
fn overrun(limits: &Limits) -> Option<Exit> {
    let own = [std::process::id().to_string()];
    let Ok(entries) = fs::read_dir("/proc") else { return None };
    let names = entries.flatten().filter_map(|entry| entry.file_name().into_string().ok());
    let pids: Vec<String> = names
        .filter(|name| name.bytes().all(|byte| byte.is_ascii_digit()) && !own.contains(name))
        .collect();
    if pids.len() > limits.processes as usize {
        return Some(Exit::Processes);
    }
    let page = rustix::param::page_size() as u64;
    let resident: u64 = pids.iter().filter_map(|pid| resident_pages(pid)).sum();
    // What processes share counts once for each of them, so the exact figure decides.
    let is_over = resident * page > limits.memory_bytes
        && pids.iter().map(|pid| proportional_bytes(pid)).sum::<u64>() > limits.memory_bytes;
    is_over.then_some(Exit::Memory)
}

fn resident_pages(pid: &str) -> Option<u64> {
    let text = fs::read_to_string(format!("/proc/{pid}/statm")).ok()?;
    text.split_whitespace().nth(1)?.parse().ok()
}

fn proportional_bytes(pid: &str) -> u64 {
    let text = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("Pss:"));
    let kib = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
    kib.unwrap_or_default() * 1024
}
