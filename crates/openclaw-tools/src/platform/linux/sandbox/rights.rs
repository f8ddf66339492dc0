//! Who the payload is: its ids, its rights and its limits.

use std::fs;
use std::io::{self, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;

use nix::sched::{CloneFlags, unshare};
use nix::unistd::{Gid, Uid, setgroups, setresgid, setresuid};
use rustix::process::{Pid, Resource, Rlimit, setrlimit};
use rustix::thread::{CapabilitySet, CapabilitySets, CpuSet};

use super::mounts::Step;
use super::wire::{Identity, Walls};
use crate::sandbox::Limits;

/// The payload's user and group, as it sees itself.
pub(super) const INSIDE: u32 = 1000;

/// Enters a user namespace of one user and one group, which were `uid` and `gid` before and are
/// `inside` from here on. Needs no privileges.
pub(super) fn enter_own_namespace(inside: u32, uid: u32, gid: u32) -> Step<()> {
    unshare(CloneFlags::CLONE_NEWUSER).map_err(|error| {
        format!(
            "make a user namespace: {error}; the system may forbid them to programs without privileges"
        )
    })?;
    let write = |name: &str, text: String| {
        fs::write(format!("/proc/self/{name}"), text)
            .map_err(|error| format!("write {name}: {error}"))
    };
    write("setgroups", "deny".to_owned())?;
    write("uid_map", format!("{inside} {uid} 1"))?;
    write("gid_map", format!("{inside} {gid} 1"))
}

/// Maps the user namespace of another process; for one that may.
pub(super) fn map_namespace_of(pid: u32, inside: u32, outside: u32) -> Step<()> {
    for name in ["uid_map", "gid_map"] {
        fs::write(format!("/proc/{pid}/{name}"), format!("{inside} {outside} 1"))
            .map_err(|error| format!("write {name}: {error}"))?;
    }
    Ok(())
}

/// Enters a user namespace that the parent maps: it is told by a byte and answers with one.
pub(super) fn enter_mapped_namespace(parent: &UnixStream) -> Step<()> {
    setgroups(&[]).map_err(|error| format!("drop the groups: {error}"))?;
    unshare(CloneFlags::CLONE_NEWUSER)
        .map_err(|error| format!("make a user namespace: {error}"))?;
    let mut parent: &UnixStream = parent;
    let failed = |error: io::Error| format!("have the ids mapped: {error}");
    parent.write_all(b"u").map_err(failed)?;
    parent.read_exact(&mut [0]).map_err(failed)
}

/// Gives up every right but those of an ordinary process. The namespaces have been made.
pub(super) fn drop_all(walls: &Walls) -> Step<()> {
    limit(&walls.limits, walls)?;
    if let Identity::Mapped { .. } = walls.identity {
        let (uid, gid) = (Uid::from_raw(INSIDE), Gid::from_raw(INSIDE));
        setresgid(gid, gid, gid).map_err(|error| format!("take the payload's group: {error}"))?;
        setresuid(uid, uid, uid).map_err(|error| format!("take the payload's user: {error}"))?;
    }
    for capability in CapabilitySet::all().iter() {
        // Newer capabilities than the kernel knows cannot be held either.
        match rustix::thread::remove_capability_from_bounding_set(capability) {
            Ok(()) | Err(rustix::io::Errno::INVAL | rustix::io::Errno::PERM) => {}
            Err(error) => return Err(format!("drop a capability: {error}")),
        }
    }
    let none = CapabilitySet::empty();
    let none = CapabilitySets { effective: none, permitted: none, inheritable: none };
    rustix::thread::set_capabilities(None, none)
        .map_err(|error| format!("drop the capabilities: {error}"))?;
    rustix::thread::set_no_new_privs(true)
        .map_err(|error| format!("forbid new rights: {error}"))?;
    // The payload must not read this process's memory, or steer it.
    rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable)
        .map_err(|error| format!("close the supervisor's memory: {error}"))
}

fn limit(limits: &Limits, walls: &Walls) -> Step<()> {
    let set = |resource, value: u64| {
        let fixed = Rlimit { current: Some(value), maximum: Some(value) };
        setrlimit(resource, fixed).map_err(|error| format!("set a limit: {error}"))
    };
    set(Resource::Core, 0)?;
    set(Resource::Nofile, 4096)?;
    set(Resource::Fsize, limits.file_bytes)?;
    // The supervisor is one of them.
    set(Resource::Nproc, u64::from(limits.processes) + 1)?;
    if !walls.held.memory {
        // The watch ends what takes too much, ten times a second. This stops what is quicker.
        let slack = (limits.memory_bytes / 2).max(512 * 1024 * 1024);
        set(Resource::Data, limits.memory_bytes + slack)?;
    }
    if !walls.held.cpu {
        pin(limits.cpus)?;
    }
    Ok(())
}

/// Keeps the payload on as many processors as it may use.
fn pin(cpus: u32) -> Step<()> {
    let failed = |error| format!("choose a processor: {error}");
    let own: Option<Pid> = None;
    let allowed = rustix::thread::sched_getaffinity(own).map_err(failed)?;
    let mut chosen = CpuSet::new();
    let start = rustix::thread::sched_getcpu();
    let most = CpuSet::MAX_CPU;
    (0..most)
        .map(|step| (start + step) % most)
        .filter(|cpu| allowed.is_set(*cpu))
        .take(cpus as usize)
        .for_each(|cpu| chosen.set(cpu));
    rustix::thread::sched_setaffinity(own, &chosen).map_err(failed)
}

/// Whether this end of a stream is still open; for messages.
pub(super) fn is_open(stream: impl AsFd) -> bool {
    let mut one = [0_u8];
    let flags = rustix::net::RecvFlags::PEEK | rustix::net::RecvFlags::DONTWAIT;
    match rustix::net::recv(stream, &mut one[..], flags) {
        Ok((read, _)) => read > 0,
        Err(error) => error == rustix::io::Errno::AGAIN,
    }
}
