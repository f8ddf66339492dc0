//! The file system a payload sees: the system read-only, the workspace, and nothing else.

use std::fs::{self, File};
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::symlink;
use std::path::{Component, Path, PathBuf};

use rustix::fs::CWD;
use rustix::mount::{
    MountFlags, MountPropagationFlags, MoveMountFlags, UnmountFlags, mount, mount_bind,
    mount_bind_recursive, mount_change, move_mount, unmount,
};
use rustix::process::{chdir, pivot_root};

use super::mount_attr::{self, NO_DEVICES, NO_SET_ID, READ_ONLY};
use super::wire::{Bind, Walls};

/// Where the new root is built, and where the old one stands meanwhile. Both are gone at the end.
const NEW: &str = "/new";
const OLD: &str = "/old";

/// Top-level folders of a system; links among them stay links.
pub(super) const SYSTEM: [&str; 10] =
    ["usr", "bin", "sbin", "lib", "lib32", "lib64", "libx32", "opt", "nix", "gnu"];

/// What of `/etc` programs need and what holds no secret.
pub(super) const SETTINGS: [&str; 22] = [
    "alternatives",
    "ca-certificates",
    "ca-certificates.conf",
    "crypto-policies",
    "debian_version",
    "fonts",
    "gai.conf",
    "inputrc",
    "java",
    "ld.so.cache",
    "ld.so.conf",
    "ld.so.conf.d",
    "localtime",
    "magic",
    "mime.types",
    "os-release",
    "pki",
    "protocols",
    "services",
    "ssl",
    "terminfo",
    "timezone",
];

/// What of `/etc` only a sandbox has.
pub(super) const OWN_SETTINGS: [(&str, &str); 6] = [
    (
        "passwd",
        "root:x:0:0:root:/:/usr/sbin/nologin\nagent:x:1000:1000:agent:/home/agent:/bin/bash\n\
         nobody:x:65534:65534:nobody:/:/usr/sbin/nologin\n",
    ),
    ("group", "root:x:0:\nagent:x:1000:\nnogroup:x:65534:\n"),
    ("hosts", "127.0.0.1 localhost sandbox\n::1 localhost sandbox\n"),
    ("hostname", "sandbox\n"),
    ("nsswitch.conf", "passwd: files\ngroup: files\nhosts: files\n"),
    ("resolv.conf", ""),
];

const DEVICES: [&str; 6] = ["null", "zero", "full", "random", "urandom", "tty"];

/// Parts of `/proc` that reach the whole machine: made read-only, or hidden.
const MACHINE_WIDE: [&str; 6] = ["sys", "sysrq-trigger", "irq", "bus", "fs", "acpi"];
const MACHINE_SECRETS: [&str; 6] =
    ["kcore", "keys", "key-users", "timer_list", "sched_debug", "kallsyms"];

/// A step that failed, for the message.
pub(super) type Step<T> = Result<T, String>;

/// Replaces what this process sees. `mapped` are the mounts of the binds that are mapped, in order.
/// Needs its own mount namespace and the right to mount.
pub(super) fn build(walls: &Walls, mapped: &[OwnedFd]) -> Step<()> {
    enter_scratch()?;
    let root = Path::new(NEW);
    system(root)?;
    etc(root)?;
    devices(root)?;
    for folder in ["tmp", "var/tmp", "home/agent", "dev/shm", "run", "workspace"] {
        make_folder(&root.join(folder))?;
    }
    let share = walls.limits.memory_bytes / 4;
    for (folder, mode) in
        [("tmp", "1777"), ("var/tmp", "1777"), ("dev/shm", "1777"), ("home/agent", "0777")]
    {
        tmpfs(&root.join(folder), &format!("mode={mode},size={share}"))?;
    }
    let mut mapped = mapped.iter();
    for one in &walls.binds {
        let mount = if one.mapped {
            Some(mapped.next().ok_or("the mount of a folder is missing")?)
        } else {
            None
        };
        bind(root, one, mount)?;
    }
    for path in &walls.hidden {
        hide(root, path, &walls.binds)?;
    }
    proc(root)?;
    // From here on nothing is made at the root.
    mount_attr::restrict(root, NO_SET_ID)
        .map_err(|error| format!("forbid set-id programs: {error}"))?;
    seal(root)
}

/// A scratch root with the old one below it, so that every source can still be reached.
fn enter_scratch() -> Step<()> {
    let all = MountPropagationFlags::DOWNSTREAM | MountPropagationFlags::REC;
    mount_change("/", all).map_err(|error| format!("separate the mounts: {error}"))?;
    let scratch = Path::new("/tmp");
    mount("tmpfs", scratch, "tmpfs", MountFlags::NOSUID | MountFlags::NODEV, c"mode=0755,size=1m")
        .map_err(|error| format!("mount a scratch folder at /tmp: {error}"))?;
    for folder in ["new", "old"] {
        make_folder(&scratch.join(folder))?;
    }
    pivot_root(scratch, scratch.join("old"))
        .map_err(|error| format!("change the root: {error}"))?;
    chdir("/").map_err(|error| format!("enter the new root: {error}"))?;
    mount("tmpfs", NEW, "tmpfs", MountFlags::NOSUID | MountFlags::NODEV, c"mode=0755,size=4m")
        .map_err(|error| format!("mount the new root: {error}"))
}

fn system(root: &Path) -> Step<()> {
    for name in SYSTEM {
        let source = Path::new(OLD).join(name);
        let target = root.join(name);
        match fs::symlink_metadata(&source) {
            Ok(found) if found.is_symlink() => {
                let link =
                    fs::read_link(&source).map_err(|error| format!("read /{name}: {error}"))?;
                symlink(link, &target).map_err(|error| format!("link /{name}: {error}"))?;
            }
            Ok(found) if found.is_dir() => {
                make_folder(&target)?;
                bind_at(&source, &target, READ_ONLY | NO_SET_ID | NO_DEVICES)?;
            }
            Ok(_) | Err(_) => {}
        }
    }
    Ok(())
}

fn etc(root: &Path) -> Step<()> {
    let own = root.join("etc");
    make_folder(&own)?;
    for name in SETTINGS {
        let source = Path::new(OLD).join("etc").join(name);
        // A link leads to where the same file stands inside, as all of `/usr` does.
        let Ok(found) = fs::symlink_metadata(&source) else { continue };
        let target = own.join(name);
        if found.is_symlink() {
            let link =
                fs::read_link(&source).map_err(|error| format!("read /etc/{name}: {error}"))?;
            symlink(link, &target).map_err(|error| format!("link /etc/{name}: {error}"))?;
            continue;
        }
        if found.is_dir() {
            make_folder(&target)?
        } else {
            make_file(&target, "")?
        }
        bind_at(&source, &target, READ_ONLY | NO_SET_ID | NO_DEVICES)?;
    }
    OWN_SETTINGS.into_iter().try_for_each(|(name, text)| make_file(&own.join(name), text))
}

fn devices(root: &Path) -> Step<()> {
    let folder = root.join("dev");
    make_folder(&folder)?;
    tmpfs(&folder, "mode=0755,size=64k")?;
    for name in DEVICES {
        let target = folder.join(name);
        make_file(&target, "")?;
        let source = Path::new(OLD).join("dev").join(name);
        mount_bind(&source, &target).map_err(|error| format!("bind /dev/{name}: {error}"))?;
        mount_attr::restrict(&target, NO_SET_ID)
            .map_err(|error| format!("bind /dev/{name}: {error}"))?;
    }
    let pts = folder.join("pts");
    make_folder(&pts)?;
    mount(
        "devpts",
        &pts,
        "devpts",
        MountFlags::NOSUID | MountFlags::NOEXEC,
        c"newinstance,ptmxmode=0666,mode=0620",
    )
    .map_err(|error| format!("mount /dev/pts: {error}"))?;
    for (name, target) in [
        ("ptmx", "pts/ptmx"),
        ("fd", "/proc/self/fd"),
        ("stdin", "/proc/self/fd/0"),
        ("stdout", "/proc/self/fd/1"),
        ("stderr", "/proc/self/fd/2"),
    ] {
        symlink(target, folder.join(name)).map_err(|error| format!("link /dev/{name}: {error}"))?;
    }
    Ok(())
}

fn bind(root: &Path, bind: &Bind, mapped: Option<&OwnedFd>) -> Step<()> {
    let source = below(Path::new(OLD), &bind.source);
    let target = below(root, &bind.target);
    let found = fs::metadata(&source)
        .map_err(|error| format!("find {}: {error}", bind.source.display()))?;
    if let Some(parent) = target.parent() {
        make_folder(parent)?;
    }
    // What stands there already belongs to the system or to another path, and is only covered.
    match fs::symlink_metadata(&target) {
        Ok(there) if there.is_symlink() => {
            return Err(format!("{} is a link inside", bind.target.display()));
        }
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound && found.is_dir() => {
            make_folder(&target)?;
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => make_file(&target, "")?,
        Err(error) => return Err(format!("find {}: {error}", bind.target.display())),
    }
    let attributes = NO_SET_ID | NO_DEVICES | if bind.writable { 0 } else { READ_ONLY };
    match mapped {
        Some(mount) => {
            move_mount(mount.as_fd(), "", CWD, &target, MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH)
                .map_err(|error| format!("mount {}: {error}", bind.target.display()))?;
            mount_attr::restrict(&target, attributes)
                .map_err(|error| format!("restrict {}: {error}", bind.target.display()))
        }
        None => bind_at(&source, &target, attributes),
    }
}

fn bind_at(source: &Path, target: &Path, attributes: u64) -> Step<()> {
    mount_bind_recursive(source, target)
        .map_err(|error| format!("bind {}: {error}", target.display()))?;
    mount_attr::restrict(target, attributes)
        .map_err(|error| format!("restrict {}: {error}", target.display()))
}

/// Covers a host path wherever the binds, or the system's folders, would show it.
fn hide(root: &Path, path: &Path, binds: &[Bind]) -> Step<()> {
    let own = binds.iter().map(|bind| (bind.source.as_path(), bind.target.as_path()));
    let system: Vec<PathBuf> = SYSTEM.iter().map(|name| Path::new("/").join(name)).collect();
    let all = own.chain(system.iter().map(|folder| (folder.as_path(), folder.as_path())));
    for (source, target) in all {
        let Ok(rest) = path.strip_prefix(source) else { continue };
        let shown = below(root, target).join(rest);
        match fs::symlink_metadata(&shown) {
            Ok(found) if found.is_dir() => {
                tmpfs(&shown, "mode=0000,size=4k")?;
                mount_attr::restrict(&shown, READ_ONLY)
                    .map_err(|error| format!("hide {}: {error}", path.display()))?;
            }
            Ok(_) => mount_bind(root.join("dev/null"), &shown)
                .map_err(|error| format!("hide {}: {error}", path.display()))?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(format!("hide {}: {error}", path.display())),
        }
    }
    Ok(())
}

fn proc(root: &Path) -> Step<()> {
    let folder = root.join("proc");
    make_folder(&folder)?;
    let flags = MountFlags::NOSUID | MountFlags::NODEV | MountFlags::NOEXEC;
    mount("proc", &folder, "proc", flags, c"").map_err(|error| format!("mount /proc: {error}"))?;
    for name in MACHINE_WIDE {
        let path = folder.join(name);
        if path.exists() {
            bind_at(&path, &path, READ_ONLY)?;
        }
    }
    for name in MACHINE_SECRETS {
        let path = folder.join(name);
        if path.exists() {
            mount_bind(root.join("dev/null"), &path)
                .map_err(|error| format!("hide /proc/{name}: {error}"))?;
        }
    }
    Ok(())
}

/// Makes the new root the only one.
fn seal(root: &Path) -> Step<()> {
    chdir(root).map_err(|error| format!("enter the new root: {error}"))?;
    pivot_root(".", ".").map_err(|error| format!("change the root: {error}"))?;
    unmount(".", UnmountFlags::DETACH).map_err(|error| format!("drop the old root: {error}"))?;
    chdir("/").map_err(|error| format!("enter the new root: {error}"))?;
    // Only the root's own mount; those below have theirs.
    rustix::mount::mount_remount(
        "/",
        MountFlags::BIND | MountFlags::RDONLY | MountFlags::NOSUID | MountFlags::NODEV,
        c"",
    )
    .map_err(|error| format!("make the root read-only: {error}"))
}

fn tmpfs(target: &Path, options: &str) -> Step<()> {
    let options = std::ffi::CString::new(options).expect("options hold no NUL");
    mount("tmpfs", target, "tmpfs", MountFlags::NOSUID | MountFlags::NODEV, options.as_c_str())
        .map_err(|error| format!("mount a temporary {}: {error}", target.display()))
}

fn make_folder(path: &Path) -> Step<()> {
    fs::create_dir_all(path).map_err(|error| format!("make {}: {error}", path.display()))
}

fn make_file(path: &Path, text: &str) -> Step<()> {
    let failed = |error: io::Error| format!("make {}: {error}", path.display());
    let mut file = File::create(path).map_err(failed)?;
    io::Write::write_all(&mut file, text.as_bytes()).map_err(failed)
}

/// An absolute path as it stands below a folder.
fn below(folder: &Path, path: &Path) -> PathBuf {
    let names = path.components().filter(|part| matches!(part, Component::Normal(_)));
    names.fold(folder.to_owned(), |path, name| path.join(name))
}
