//! `mount_setattr`, which no crate here wraps.

use std::ffi::CString;
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

pub(super) const READ_ONLY: u64 = libc::MOUNT_ATTR_RDONLY;
pub(super) const NO_SET_ID: u64 = libc::MOUNT_ATTR_NOSUID;
pub(super) const NO_DEVICES: u64 = libc::MOUNT_ATTR_NODEV;

/// Adds attributes to the mount at `path` and all below it. Unlike a remount it takes nothing away,
/// so it works on mounts whose flags are locked.
pub(super) fn restrict(path: &Path, attributes: u64) -> io::Result<()> {
    let path = CString::new(path.as_os_str().as_bytes())?;
    let flags = libc::AT_RECURSIVE | libc::AT_SYMLINK_NOFOLLOW;
    set(libc::AT_FDCWD, &path, flags, attributes, 0)
}

/// Translates the ids of a detached mount by the map of a user namespace.
pub(super) fn map_ids(mount: BorrowedFd<'_>, namespace: BorrowedFd<'_>) -> io::Result<()> {
    let namespace = u64::try_from(namespace.as_raw_fd())
        .map_err(|_| io::Error::from(io::ErrorKind::InvalidInput))?;
    set(mount.as_raw_fd(), c"", libc::AT_EMPTY_PATH, libc::MOUNT_ATTR_IDMAP, namespace)
}

fn set(
    folder: libc::c_int,
    path: &std::ffi::CStr,
    flags: libc::c_int,
    attributes: u64,
    namespace: u64,
) -> io::Result<()> {
    let attr = libc::mount_attr {
        attr_set: attributes,
        attr_clr: 0,
        propagation: 0,
        userns_fd: namespace,
    };
    // SAFETY: the kernel reads `path`, which ends in NUL, and `attr`, whose size is given; both
    // outlive the call, and nothing is written.
    #[allow(unsafe_code, reason = "no crate has this call")]
    let outcome = unsafe {
        libc::syscall(
            libc::SYS_mount_setattr,
            folder,
            path.as_ptr(),
            flags,
            &raw const attr,
            size_of::<libc::mount_attr>(),
        )
    };
    if outcome == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}
