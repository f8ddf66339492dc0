//! Brings the loopback interface of a fresh network namespace up, so that programs can talk to
//! servers of their own.

use std::io;

use rustix::net::{AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType};

const NEW_LINK: u16 = 16;
const REQUEST_AND_ACK: u16 = 0x1 | 0x4;
const ERROR: u16 = 2;
const UP: u32 = 1;

/// In a network namespace that has nothing else, `lo` is the first interface.
const LOOPBACK: i32 = 1;

pub(super) fn bring_up() -> io::Result<()> {
    // Protocol 0 is the one of routes.
    let socket = rustix::net::socket_with(
        AddressFamily::NETLINK,
        SocketType::RAW,
        SocketFlags::CLOEXEC,
        None,
    )?;
    // A netlink header, then `struct ifinfomsg`.
    let mut message = Vec::with_capacity(32);
    message.extend(32_u32.to_ne_bytes());
    message.extend(NEW_LINK.to_ne_bytes());
    message.extend(REQUEST_AND_ACK.to_ne_bytes());
    message.extend([0; 8]);
    message.extend([0; 4]);
    message.extend(LOOPBACK.to_ne_bytes());
    message.extend(UP.to_ne_bytes());
    message.extend(UP.to_ne_bytes());
    rustix::net::send(&socket, &message, SendFlags::empty())?;
    let mut answer = [0_u8; 256];
    let (read, _) = rustix::net::recv(&socket, &mut answer[..], RecvFlags::empty())?;
    let kind = u16::from_ne_bytes([answer[4], answer[5]]);
    if read < 20 || kind != ERROR {
        return Err(io::Error::other("the kernel gave no answer about the loopback interface"));
    }
    match i32::from_ne_bytes([answer[16], answer[17], answer[18], answer[19]]) {
        0 => Ok(()),
        error => Err(io::Error::from_raw_os_error(-error)),
    }
}
