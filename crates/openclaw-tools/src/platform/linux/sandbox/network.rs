//! A socket in the network of a container, for the egress proxy.

use std::fs::File;
use std::net::{Ipv4Addr, TcpListener};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::process::Stdio;

use nix::sched::{CloneFlags, setns};
use tokio::process::Command;

use super::control::Control;
use super::helper::{ARGUMENT, LISTEN};
use super::launch::START_LIMIT;
use super::mounts::Step;
use super::wire::Report;
use super::{Helper, link, loopback};
use crate::sandbox::places::PROXY_PORT;

/// The egress proxy's port in the network of this process. Needs the rights of its owner.
pub(crate) async fn listener_of(helper: &Helper, pid: u32) -> Result<TcpListener, String> {
    let text = |error: std::io::Error| error.to_string();
    let (ours, theirs) = UnixStream::pair().map_err(text)?;
    let mut child = Command::new(helper.path())
        .args([ARGUMENT, LISTEN, &pid.to_string()])
        .env_clear()
        .current_dir("/")
        .stdin(Stdio::from(OwnedFd::from(theirs)))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .map_err(text)?;
    let mut control = Control::new(ours).map_err(text)?;
    let answer = tokio::time::timeout(START_LIMIT, control.next()).await;
    let answer = answer.map_err(|_| "it took longer than 15 s".to_owned())?.map_err(text)?;
    let ended = tokio::time::timeout(START_LIMIT, child.wait()).await;
    if !matches!(ended, Ok(Ok(_))) {
        tracing::debug!("a helper did not end by itself");
    }
    match answer {
        Some((Report::Proxy, Some(fd))) => Ok(TcpListener::from(fd)),
        Some((Report::Failed { message }, _)) => Err(message),
        Some(_) | None => Err("its helper ended without a word".to_owned()),
    }
}

/// The helper: enters the network and hands the socket over.
pub(super) fn listen(gateway: &UnixStream, arguments: &[String]) -> Step<()> {
    let [pid] = arguments else { return Err("no process was named".to_owned()) };
    let open = |name: &str| {
        File::open(format!("/proc/{pid}/ns/{name}"))
            .map_err(|error| format!("find the network: {error}"))
    };
    let network = open("net")?;
    if setns(network.as_fd(), CloneFlags::CLONE_NEWNET).is_err() {
        // The engine's user owns it by way of the user namespace.
        setns(open("user")?, CloneFlags::CLONE_NEWUSER)
            .and_then(|()| setns(network, CloneFlags::CLONE_NEWNET))
            .map_err(|error| format!("enter the network: {error}"))?;
    }
    if let Err(error) = loopback::bring_up() {
        // Engines do that themselves; where it is not up, the next step fails.
        drop(error);
    }
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, PROXY_PORT))
        .map_err(|error| format!("open the port: {error}"))?;
    link::send(gateway, &Report::Proxy, &[listener.as_fd()])
        .map_err(|error| format!("hand the port over: {error}"))
}
