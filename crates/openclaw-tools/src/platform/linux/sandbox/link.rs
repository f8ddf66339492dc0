//! A stream of messages with descriptors, between the gateway and its helpers.

use std::io::{self, IoSlice, IoSliceMut, Read, Write};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;

use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags,
};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// The longest message: the largest command with room for its walls.
const LONGEST: usize = 4 * 1024 * 1024;

/// The most descriptors with one message: the gateway's stream, three standard streams, and mounts.
const MOST_FDS: usize = 4 + MOST_MOUNTS;

/// The most mounts with one message.
pub(super) const MOST_MOUNTS: usize = 32;

/// Writes one message, its descriptors with its first bytes.
pub(super) fn send<M: Serialize>(
    stream: &UnixStream,
    message: &M,
    fds: &[BorrowedFd<'_>],
) -> io::Result<()> {
    let body = serde_json::to_vec(message)?;
    let length = u32::try_from(body.len()).map_err(|_| too_long())?.to_be_bytes();
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MOST_FDS))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    if !fds.is_empty() && !control.push(SendAncillaryMessage::ScmRights(fds)) {
        return Err(io::Error::other("too many descriptors for one message"));
    }
    let sent =
        rustix::net::sendmsg(stream, &[IoSlice::new(&length)], &mut control, SendFlags::NOSIGNAL)?;
    let mut stream: &UnixStream = stream;
    stream.write_all(&length[sent..])?;
    stream.write_all(&body)
}

/// Reads one message; `None` when the peer is gone.
pub(super) fn receive<M: DeserializeOwned>(
    stream: &UnixStream,
) -> io::Result<Option<(M, Vec<OwnedFd>)>> {
    let mut length = [0_u8; 4];
    let (read, fds) = receive_some(stream, &mut length)?;
    if read == 0 {
        return Ok(None);
    }
    let mut stream: &UnixStream = stream;
    stream.read_exact(&mut length[read..])?;
    let length = u32::from_be_bytes(length) as usize;
    if length > LONGEST {
        return Err(too_long());
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body)?;
    Ok(Some((serde_json::from_slice(&body)?, fds)))
}

/// Reads what is there, with the descriptors that came along; closed on exec.
pub(super) fn receive_some(
    stream: impl AsFd,
    bytes: &mut [u8],
) -> io::Result<(usize, Vec<OwnedFd>)> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MOST_FDS))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let received = loop {
        let outcome = rustix::net::recvmsg(
            stream.as_fd(),
            &mut [IoSliceMut::new(bytes)],
            &mut control,
            RecvFlags::CMSG_CLOEXEC,
        );
        match outcome {
            Err(rustix::io::Errno::INTR) => {}
            outcome => break outcome?,
        }
    };
    let mut fds = Vec::new();
    for message in control.drain() {
        if let RecvAncillaryMessage::ScmRights(received) = message {
            fds.extend(received);
        }
    }
    Ok((received.bytes, fds))
}

fn too_long() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "a message between sandbox processes is too long")
}
