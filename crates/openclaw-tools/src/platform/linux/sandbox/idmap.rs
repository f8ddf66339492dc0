//! A mount of the workspace on which the payload's user owns what the gateway's user owns outside.

use std::fs;
use std::io::{self, Read};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Command, Stdio};

use rustix::fs::CWD;
use rustix::mount::{OpenTreeFlags, open_tree};

use super::helper::{ARGUMENT, HOLD};
use super::{Helper, mount_attr, rights};

/// The user namespace whose map such mounts use: what `owner` owns on disk belongs to `id`.
pub(super) fn namespace(helper: &Helper, owner: u32, id: u32) -> io::Result<OwnedFd> {
    let (ours, theirs) = UnixStream::pair()?;
    let mut child = Command::new(helper.path())
        .args([ARGUMENT, HOLD])
        .env_clear()
        .stdin(Stdio::from(OwnedFd::from(theirs)))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()?;
    let opened = (&ours).read_exact(&mut [0]).and_then(|()| {
        rights::map_namespace_of(child.id(), owner, id).map_err(io::Error::other)?;
        Ok(OwnedFd::from(fs::File::open(format!("/proc/{}/ns/user", child.id()))?))
    });
    drop(ours);
    child.wait()?;
    opened
}

/// The mount, not yet anywhere.
pub(super) fn mount(folder: &Path, namespace: &OwnedFd) -> io::Result<OwnedFd> {
    let flags = OpenTreeFlags::OPEN_TREE_CLONE | OpenTreeFlags::OPEN_TREE_CLOEXEC;
    let mount = open_tree(CWD, folder, flags)?;
    mount_attr::map_ids(mount.as_fd(), namespace.as_fd())?;
    Ok(mount)
}
