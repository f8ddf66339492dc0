//! Descriptors that the gateway itself was started with, such as a supervisor's socket or a lock.

use std::io;

/// The first that is not a standard stream.
const FIRST: libc::c_uint = 3;

/// Keeps them from what this process starts. All that is opened later is closed on exec anyway.
pub(super) fn keep_back() -> io::Result<()> {
    // SAFETY: only the close-on-exec flag of descriptors changes; no memory is touched.
    #[allow(unsafe_code, reason = "no crate here has this call")]
    let outcome = unsafe {
        libc::syscall(libc::SYS_close_range, FIRST, libc::c_uint::MAX, libc::CLOSE_RANGE_CLOEXEC)
    };
    if outcome == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}
