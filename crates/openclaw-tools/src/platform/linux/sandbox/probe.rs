//! The probe: inside it tries to break out, outside it is told what held.

use std::fs;
use std::io::Write;
use std::net::{SocketAddr, TcpStream, UdpSocket};
use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::sched::{CloneFlags, unshare};
use tokio::io::AsyncReadExt;

use super::helper::{ARGUMENT, PROBE};
use super::mounts::Step;
use super::wire::{Held, Identity};
use crate::sandbox::{Check, Ending, Limits, Running, SandboxError};

/// Where the program stands inside while it probes.
pub(crate) const PROGRAM: &str = "/run/openclaw-probe";

const TIME_LIMIT: Duration = Duration::from_secs(20);

/// The argument that says that the system is an image's, not this machine's.
const IMAGE: &str = "--image";

/// The command line of the probe.
pub(crate) fn argv(hidden: &[PathBuf], is_image: bool) -> Vec<String> {
    let own = [PROGRAM, ARGUMENT, PROBE].map(str::to_owned);
    let image = is_image.then(|| IMAGE.to_owned());
    let hidden = hidden.iter().map(|path| path.display().to_string());
    own.into_iter().chain(image).chain(hidden).collect()
}

/// Tries each wall and prints a line for each: `ok` or `open`, what, and how it is known.
pub(super) fn inside(arguments: &[String]) -> Step<()> {
    let is_image = arguments.first().is_some_and(|first| first == IMAGE);
    let hidden = &arguments[usize::from(is_image)..];
    let mut out = std::io::stdout();
    let mut print = |what: &str, holds: bool, detail: String| {
        let word = if holds { "ok" } else { "open" };
        writeln!(out, "{word}\t{what}\t{detail}").map_err(|error| format!("print: {error}"))
    };
    let refused = |outcome: std::io::Result<()>| match outcome {
        Ok(()) => (false, "it worked".to_owned()),
        Err(error) => (true, error.to_string()),
    };
    let seen: Vec<&String> = hidden
        .iter()
        .filter(|path| {
            fs::read_dir(path).is_ok_and(|mut entries| entries.next().is_some())
                || fs::read(path).is_ok_and(|bytes| !bytes.is_empty())
        })
        .collect();
    print(
        "the state folder is not visible",
        seen.is_empty(),
        format!("tried {}", hidden.join(", ")),
    )?;
    let homes = ["/root", "/home", "/var/lib", "/etc/shadow", "/sys", "/mnt", "/srv", "/boot"];
    let seen: Vec<&str> = homes.into_iter().filter(|path| is_seen(path)).collect();
    // An image has folders of its own by these names.
    if !is_image {
        print(
            "nothing of the host but the system is visible",
            seen.is_empty(),
            format!("seen: {}", seen.join(", ")),
        )?;
    }
    let (holds, detail) = refused(fs::write("/usr/openclaw-probe", "x"));
    print("the system is read-only", holds, detail)?;
    let (holds, detail) = refused(fs::write("/openclaw-probe", "x"));
    print("nothing can be written outside the workspace", holds, detail)?;
    let file = Path::new("/workspace/.openclaw-probe");
    let outcome = fs::write(file, "x").and_then(|()| fs::remove_file(file));
    print(
        "the workspace can be written",
        outcome.is_ok(),
        outcome.err().map(|error| error.to_string()).unwrap_or_default(),
    )?;
    let (holds, detail) = refused(reach_network());
    print("there is no network", holds, detail)?;
    let pids = fs::read_dir("/proc").map_err(|error| format!("read /proc: {error}"))?;
    let count = pids
        .flatten()
        .filter(|entry| {
            entry.file_name().to_string_lossy().bytes().all(|byte| byte.is_ascii_digit())
        })
        .count();
    print("other processes are not visible", count <= 2, format!("{count} processes in sight"))?;
    let (holds, detail) = refused(unshare(CloneFlags::CLONE_NEWUSER).map_err(Into::into));
    print("no namespaces can be made", holds, detail)?;
    let mounted =
        rustix::mount::mount("none", "/tmp", "tmpfs", rustix::mount::MountFlags::empty(), c"");
    let (holds, detail) = refused(mounted.map_err(Into::into));
    print("nothing can be mounted", holds, detail)?;
    let status = fs::read_to_string("/proc/self/status")
        .map_err(|error| format!("read the status: {error}"))?;
    let field = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        line.map(str::trim).unwrap_or_default().to_owned()
    };
    let rights = [field("CapPrm:"), field("CapEff:"), field("CapBnd:")];
    print(
        "it has no capabilities",
        rights.iter().all(|set| set.bytes().all(|byte| byte == b'0')),
        rights.join(" "),
    )?;
    print("it cannot gain rights", field("NoNewPrivs:") == "1", field("NoNewPrivs:"))?;
    print("system calls are filtered", field("Seccomp:") == "2", field("Seccomp:"))?;
    // What an image sets is its own.
    if is_image {
        return Ok(());
    }
    let names: Vec<String> =
        std::env::vars_os().map(|(name, _)| name.to_string_lossy().into_owned()).collect();
    let known = ["PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "TERM", "TMPDIR"];
    let others: Vec<&String> = names
        .iter()
        .filter(|name| {
            !known.contains(&name.as_str()) && !name.to_ascii_lowercase().ends_with("_proxy")
        })
        .collect();
    print("the environment is built from empty", others.is_empty(), format!("{others:?}"))
}

fn is_seen(path: &str) -> bool {
    match fs::metadata(path) {
        Ok(found) if found.is_dir() => fs::read_dir(path)
            .is_ok_and(|entries| entries.flatten().any(|entry| entry.file_name() != "agent")),
        Ok(_) => fs::read(path).is_ok(),
        Err(_) => false,
    }
}

fn reach_network() -> std::io::Result<()> {
    let peer = SocketAddr::from(([1, 1, 1, 1], 53));
    let udp = UdpSocket::bind("0.0.0.0:0").and_then(|socket| socket.send_to(b"x", peer)).map(drop);
    udp.or_else(|_| TcpStream::connect_timeout(&peer, Duration::from_secs(1)).map(drop))
}

/// Reads what the probe found.
pub(crate) async fn outside(mut running: Running) -> Result<Vec<Check>, SandboxError> {
    let mut text = Vec::new();
    let mut ending = running.ending;
    let work = async {
        let (read, ending) = tokio::join!(running.output.read_to_end(&mut text), &mut ending);
        read.map(|_| ending)
    };
    let ended = match tokio::time::timeout(TIME_LIMIT, work).await {
        Ok(Ok(ended)) => ended,
        Ok(Err(error)) => {
            return Err(SandboxError::Unavailable(format!("the probe's output: {error}")));
        }
        Err(_) => {
            return Err(SandboxError::Unavailable("the probe took longer than 20 s".to_owned()));
        }
    };
    let text = String::from_utf8_lossy(&text);
    if ended != Ending::Code(0) {
        return Err(SandboxError::Unavailable(format!(
            "the probe ended with {ended:?}: {}",
            text.trim()
        )));
    }
    let checks = text.lines().filter_map(|line| {
        let mut parts = line.splitn(3, '\t');
        let (word, what, detail) = (parts.next()?, parts.next()?, parts.next()?);
        Some(Check { what: what.to_owned(), holds: word == "ok", detail: detail.to_owned() })
    });
    Ok(checks.collect())
}

/// What is known without a probe: which limits hold and how.
pub(super) fn limits(
    landlock: bool,
    identity: Identity,
    held: Held,
    limits: &Limits,
) -> Vec<Check> {
    let check = |what: &str, holds, detail: String| Check { what: what.to_owned(), holds, detail };
    let by = |group: bool, otherwise: &str| {
        if group { "by a control group".to_owned() } else { otherwise.to_owned() }
    };
    let mib = limits.memory_bytes / (1024 * 1024);
    let own_root = matches!(identity, Identity::Own { uid: 0, .. });
    vec![
        check(
            "Landlock",
            landlock,
            if landlock {
                "the kernel holds it".to_owned()
            } else {
                "this kernel has none; the mounts still hold".to_owned()
            },
        ),
        check(
            "commands run as another user",
            matches!(identity, Identity::Mapped { .. }),
            match identity {
                Identity::Mapped { id } => format!("user {id} outside"),
                Identity::Own { .. } => {
                    "outside they are the gateway's own user; inside they see only what is mounted"
                        .to_owned()
                }
            },
        ),
        check(
            &format!("{mib} MiB of memory"),
            true,
            by(held.memory, "by a limit for each process and a watch over all, ten times a second"),
        ),
        check(
            &format!("{} processes", limits.processes),
            held.processes || !own_root,
            by(held.processes, "by a resource limit and a watch, ten times a second"),
        ),
        check(
            &format!("{} processor(s)", limits.cpus),
            true,
            by(held.cpu, "by binding to processors"),
        ),
    ]
}
