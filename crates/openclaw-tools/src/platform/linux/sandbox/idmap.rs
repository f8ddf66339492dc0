//! A mount of the workspace on which the payload's user owns what the gateway's user owns outside.

use std::fs;
use std::io::{self, Read};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use rustix::fs::CWD;
use rustix::mount::{OpenTreeFlags, open_tree};

use super::helper::{ARGUMENT, HOLD};
use super::{Helper, mount_attr, rights};

/// The user namespace whose map such mounts use: what `owner` owns on disk belongs to `id`. The
/// helper has `limit` to answer.
pub(super) fn namespace(
    helper: &Helper,
    owner: u32,
    id: u32,
    limit: Duration,
) -> io::Result<OwnedFd> {
    let (ours, theirs) = UnixStream::pair()?;
    ours.set_read_timeout(Some(limit))?;
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
    if opened.is_err() {
        // It may be what does not answer.
        child.kill()?;
    }
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

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;
    use std::time::Duration;

    use tokio::time::Instant;

    use super::{Helper, namespace};

    #[test]
    fn a_silent_helper_is_given_up() {
        let folder = tempfile::tempdir().expect("a folder");
        let program = folder.path().join("helper");
        std::fs::write(&program, "#!/bin/sh\nexec /bin/sleep 60\n").expect("written");
        let mode = std::fs::Permissions::from_mode(0o755);
        std::fs::set_permissions(&program, mode).expect("executable");
        let began = Instant::now();
        let limit = Duration::from_millis(50);
        let outcome = namespace(&Helper::program(program), 0, 1, limit);
        assert!(outcome.is_err());
        assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
    }
}
