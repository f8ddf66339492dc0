//! Control groups: the limits of all processes of a sandbox together, where this system lets us
//! make groups (version 2, or the controllers of version 1).

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Duration;

use super::wire::Held;
use crate::sandbox::Limits;

const PERIOD_US: u64 = 100_000;

/// Groups that could not be removed, as what was in them had not ended yet.
static LEFT: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());

/// The most that are remembered; what is more than that is swept up by the next gateway.
const MOST_LEFT: usize = 1024;

/// A folder below which groups are made, and what it can limit.
#[derive(Debug, Clone)]
struct Place {
    folder: PathBuf,
    is_v2: bool,
    held: Held,
}

/// The groups of one sandbox; removed when dropped.
#[derive(Debug)]
pub(super) struct Group {
    places: Vec<Place>,
    held: Held,
}

impl Group {
    /// Makes the groups that can be made; none is not an error, what it holds is in `held`.
    pub(super) fn create(name: &str, limits: &Limits) -> Self {
        static PLACES: OnceLock<Vec<Place>> = OnceLock::new();
        retry_left();
        let mut group = Self { places: Vec::new(), held: Held::default() };
        for place in PLACES.get_or_init(places) {
            let folder = place.folder.join(name);
            if fs::create_dir(&folder).is_err() {
                continue;
            }
            let own = Place { folder, is_v2: place.is_v2, held: own_limits(place, name, limits) };
            group.held.memory |= own.held.memory;
            group.held.processes |= own.held.processes;
            group.held.cpu |= own.held.cpu;
            group.places.push(own);
        }
        group
    }

    pub(super) fn held(&self) -> Held {
        self.held
    }

    /// The files a process writes itself into.
    pub(super) fn join(&self) -> Vec<PathBuf> {
        self.places.iter().map(|place| place.folder.join("cgroup.procs")).collect()
    }

    /// Whether the kernel ended a process for lack of memory.
    pub(super) fn ran_out_of_memory(&self) -> bool {
        self.places.iter().filter(|place| place.held.memory).any(|place| {
            let name = if place.is_v2 { "memory.events" } else { "memory.oom_control" };
            let text = fs::read_to_string(place.folder.join(name)).unwrap_or_default();
            says_killed(&text)
        })
    }

    /// Removes the groups; blocks for as long as the kernel still collects what was in them.
    pub(super) fn remove(mut self) {
        for place in std::mem::take(&mut self.places) {
            for _ in 0..50 {
                match fs::remove_dir(&place.folder) {
                    Err(error) if error.kind() == io::ErrorKind::ResourceBusy => {
                        std::thread::sleep(Duration::from_millis(10));
                    }
                    Ok(()) | Err(_) => break,
                }
            }
            remove_or_leave(place.folder);
        }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        for place in std::mem::take(&mut self.places) {
            remove_or_leave(place.folder);
        }
    }
}

/// Removes a group, or leaves that to whoever makes the next one.
fn remove_or_leave(folder: PathBuf) {
    match fs::remove_dir(&folder) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => {
            tracing::debug!(folder = %folder.display(), %error, "a control group stays for now");
            let mut left = LEFT.lock().unwrap_or_else(PoisonError::into_inner);
            if left.len() < MOST_LEFT {
                left.push(folder);
            }
        }
    }
}

fn retry_left() {
    let left = std::mem::take(&mut *LEFT.lock().unwrap_or_else(PoisonError::into_inner));
    left.into_iter().for_each(remove_or_leave);
}

fn own_limits(place: &Place, name: &str, limits: &Limits) -> Held {
    let folder = place.folder.join(name);
    let write = |file: &str, value: String| fs::write(folder.join(file), value).is_ok();
    let memory = limits.memory_bytes.to_string();
    // Two of them are the helpers.
    let processes = (u64::from(limits.processes) + 2).to_string();
    let quota = u64::from(limits.cpus) * PERIOD_US;
    if place.is_v2 {
        // Without swap where there is any; not every kernel counts it.
        let held = Held {
            memory: place.held.memory && write("memory.max", memory),
            processes: place.held.processes && write("pids.max", processes),
            cpu: place.held.cpu && write("cpu.max", format!("{quota} {PERIOD_US}")),
        };
        for (file, value) in [("memory.swap.max", "0"), ("memory.oom.group", "1")] {
            if held.memory && !write(file, value.to_owned()) {
                tracing::debug!(file, "this kernel lacks a memory control");
            }
        }
        return held;
    }
    let held = Held {
        memory: place.held.memory && write("memory.limit_in_bytes", memory.clone()),
        processes: place.held.processes && write("pids.max", processes),
        cpu: place.held.cpu
            && write("cpu.cfs_period_us", PERIOD_US.to_string())
            && write("cpu.cfs_quota_us", quota.to_string()),
    };
    if held.memory && !write("memory.memsw.limit_in_bytes", memory) {
        tracing::debug!("this kernel does not count swap");
    }
    held
}

/// The places below which this process may make groups.
fn places() -> Vec<Place> {
    let own = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
    let mut places = Vec::new();
    for line in own.lines() {
        let mut parts = line.splitn(3, ':');
        let (Some(_), Some(controllers), Some(path)) = (parts.next(), parts.next(), parts.next())
        else {
            continue;
        };
        let Some(folder) = folder_of(&mounts, controllers, path) else { continue };
        let is_v2 = controllers.is_empty();
        let has = |name: &str| controllers.split(',').any(|controller| controller == name);
        let held = if is_v2 {
            delegated(&folder)
        } else {
            Held { memory: has("memory"), processes: has("pids"), cpu: has("cpu") }
        };
        if held != Held::default() {
            sweep(&folder);
            places.push(Place { folder, is_v2, held });
        }
    }
    places
}

/// Where the group `path` of a hierarchy stands in this mount namespace.
fn folder_of(mounts: &str, controllers: &str, path: &str) -> Option<PathBuf> {
    let wanted = if controllers.is_empty() { "cgroup2" } else { "cgroup" };
    mounts.lines().find_map(|line| {
        let (left, right) = line.split_once(" - ")?;
        let mut left = left.split(' ').skip(3);
        let (root, place) = (left.next()?, left.next()?);
        let mut right = right.split(' ');
        let (kind, options) = (right.next()?, right.nth(1)?);
        let is_it = kind == wanted
            && controllers.split(',').all(|controller| {
                controller.is_empty() || options.split(',').any(|option| option == controller)
            });
        let rest = Path::new(path).strip_prefix(root).ok()?;
        is_it.then(|| Path::new(place).join(rest))
    })
}

/// The controllers that groups below a version 2 folder can have.
fn delegated(folder: &Path) -> Held {
    let file = folder.join("cgroup.subtree_control");
    for controller in ["+memory", "+pids", "+cpu"] {
        // Fails where this process itself stands in the folder, unless it is the root.
        if let Err(error) = fs::write(&file, controller) {
            tracing::debug!(controller, %error, "a controller is not delegated");
        }
    }
    let given = fs::read_to_string(&file).unwrap_or_default();
    let has = |name: &str| given.split_whitespace().any(|controller| controller == name);
    Held { memory: has("memory"), processes: has("pids"), cpu: has("cpu") }
}

/// Removes the groups of gateways that were killed.
fn sweep(folder: &Path) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let Some(pid) =
            name.to_str().and_then(|name| name.strip_prefix("openclaw-")?.split('-').next())
        else {
            continue;
        };
        let is_gone = pid.parse::<u32>().is_ok() && !Path::new("/proc").join(pid).exists();
        if is_gone && let Err(error) = fs::remove_dir(entry.path()) {
            tracing::debug!(folder = %entry.path().display(), %error, "a control group stays");
        }
    }
}

/// Whether the kernel ended a process for lack of memory, in a group that somebody else made.
#[derive(Debug, Default)]
pub(crate) struct MemoryWatch {
    file: Option<PathBuf>,
    ran_out: bool,
}

impl MemoryWatch {
    /// One that sees nothing.
    pub(crate) fn none() -> Self {
        Self::default()
    }

    /// The group of a process of this machine.
    pub(crate) fn of(pid: u32) -> Self {
        let own = fs::read_to_string(format!("/proc/{pid}/cgroup")).unwrap_or_default();
        let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
        let file = own.lines().find_map(|line| {
            let mut parts = line.splitn(3, ':').skip(1);
            let (controllers, path) = (parts.next()?, parts.next()?);
            let folder = folder_of(&mounts, controllers, path)?;
            let names = ["memory.events", "memory.oom_control"];
            names.map(|name| folder.join(name)).into_iter().find(|file| file.exists())
        });
        Self { file, ran_out: false }
    }

    /// Whether looking can show anything.
    pub(crate) fn is_of_use(&self) -> bool {
        self.file.is_some() && !self.ran_out
    }

    /// Looks; the group goes with its last process.
    pub(crate) fn look(&mut self) {
        let text = self.file.as_ref().and_then(|file| fs::read_to_string(file).ok());
        self.ran_out |= text.is_some_and(|text| says_killed(&text));
    }

    /// Whether it was ever so.
    pub(crate) fn ran_out(&self) -> bool {
        self.ran_out
    }
}

fn says_killed(text: &str) -> bool {
    let count = text.lines().find_map(|line| line.strip_prefix("oom_kill "));
    count.is_some_and(|count| count.trim() != "0")
}

#[cfg(test)]
mod tests {
    use super::{Group, Held, Place};
    use crate::sandbox::Limits;

    #[test]
    fn a_group_that_was_still_in_use_is_removed_with_the_next_one() {
        let root = tempfile::tempdir().expect("a folder");
        let folder = root.path().join("group");
        let process = folder.join("process");
        std::fs::create_dir_all(&process).expect("made");
        let place = Place { folder: folder.clone(), is_v2: true, held: Held::default() };
        drop(Group { places: vec![place], held: Held::default() });
        assert!(folder.exists());
        std::fs::remove_dir(&process).expect("ended");
        let name = format!("openclaw-{}-test", std::process::id());
        drop(Group::create(&name, &Limits::default()));
        assert!(!folder.exists());
    }
}
