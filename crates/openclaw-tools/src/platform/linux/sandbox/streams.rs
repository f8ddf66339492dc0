//! The gateway's ends of a command's standard streams.

use std::io;
use std::os::fd::OwnedFd;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use rustix::fs::OFlags;
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::Winsize;
use tokio::io::{AsyncRead, ReadBuf};
use tokio::net::unix::pipe;

use crate::sandbox::Streams;

/// Both ends, before the command starts.
pub(super) struct Ends {
    /// Standard input, output and errors of the command.
    pub(super) theirs: [OwnedFd; 3],
    pub(super) output: OwnedFd,
    pub(super) errors: Option<OwnedFd>,
    pub(super) input: Option<OwnedFd>,
}

impl Ends {
    pub(super) fn open(streams: Streams) -> io::Result<Self> {
        match streams {
            Streams::OutputOnly => {
                let nothing = std::fs::File::open("/dev/null")?;
                Self::piped(nothing.into(), None)
            }
            Streams::Piped => {
                let (read, write) = io::pipe()?;
                Self::piped(read.into(), Some(write.into()))
            }
            Streams::Apart => {
                let (read, write) = io::pipe()?;
                let mut ends = Self::piped(read.into(), Some(write.into()))?;
                let (errors, written) = io::pipe()?;
                ends.theirs[2] = written.into();
                ends.errors = Some(errors.into());
                Ok(ends)
            }
            Streams::Terminal => Self::terminal(),
        }
    }

    fn piped(stdin: OwnedFd, input: Option<OwnedFd>) -> io::Result<Self> {
        let (output, written) = io::pipe()?;
        let errors = written.try_clone()?;
        let theirs = [stdin, written.into(), errors.into()];
        Ok(Self { theirs, output: output.into(), errors: None, input })
    }

    fn terminal() -> io::Result<Self> {
        let ours = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC)?;
        grantpt(&ours)?;
        unlockpt(&ours)?;
        let size = Winsize { ws_row: 40, ws_col: 120, ws_xpixel: 0, ws_ypixel: 0 };
        rustix::termios::tcsetwinsize(&ours, size)?;
        let name = ptsname(&ours, Vec::new())?;
        let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC;
        let theirs = rustix::fs::open(name, flags, rustix::fs::Mode::empty())?;
        let (second, third) = (theirs.try_clone()?, theirs.try_clone()?);
        let input = ours.try_clone()?;
        let theirs = [theirs, second, third];
        Ok(Self { theirs, output: ours, errors: None, input: Some(input) })
    }
}

/// The end that output is read from. A terminal is none of the pipes this type is named after, but is
/// waited for and read in the same way.
#[derive(Debug)]
pub(super) struct Output(pipe::Receiver);

impl Output {
    pub(super) fn new(end: OwnedFd) -> io::Result<Self> {
        unblock(&end)?;
        Ok(Self(pipe::Receiver::from_owned_fd_unchecked(end)?))
    }
}

impl AsyncRead for Output {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match ready!(Pin::new(&mut self.0).poll_read(context, buffer)) {
            // The command's side of a terminal is closed.
            Err(error) if error.raw_os_error() == Some(libc::EIO) => Poll::Ready(Ok(())),
            outcome => Poll::Ready(outcome),
        }
    }
}

/// The end that input is written to.
pub(super) fn input(end: OwnedFd) -> io::Result<pipe::Sender> {
    unblock(&end)?;
    pipe::Sender::from_owned_fd_unchecked(end)
}

fn unblock(end: &OwnedFd) -> io::Result<()> {
    let flags = rustix::fs::fcntl_getfl(end)?;
    Ok(rustix::fs::fcntl_setfl(end, flags | OFlags::NONBLOCK)?)
}
