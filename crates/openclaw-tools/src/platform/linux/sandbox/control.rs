//! The gateway's end of the stream to a helper.

use std::collections::VecDeque;
use std::io;
use std::os::fd::OwnedFd;

use tokio::io::Interest;
use tokio::net::UnixStream;

use super::link::receive_some;
use super::wire::Report;

/// Reads reports; cancel-safe, as what was read is kept.
#[derive(Debug)]
pub(super) struct Control {
    stream: UnixStream,
    bytes: Vec<u8>,
    fds: VecDeque<OwnedFd>,
}

/// The longest report.
const LONGEST: usize = 64 * 1024;

impl Control {
    pub(super) fn new(stream: std::os::unix::net::UnixStream) -> io::Result<Self> {
        stream.set_nonblocking(true)?;
        let stream = UnixStream::from_std(stream)?;
        Ok(Self { stream, bytes: Vec::new(), fds: VecDeque::new() })
    }

    /// The next report, with the descriptor that came with it; `None` when the helper is gone.
    pub(super) async fn next(&mut self) -> io::Result<Option<(Report, Option<OwnedFd>)>> {
        loop {
            if let Some(report) = self.parse()? {
                let fd = matches!(report, Report::Proxy).then(|| self.fds.pop_front()).flatten();
                return Ok(Some((report, fd)));
            }
            self.stream.readable().await?;
            let mut some = [0_u8; 4096];
            let read =
                self.stream.try_io(Interest::READABLE, || receive_some(&self.stream, &mut some));
            match read {
                Ok((0, _)) => return Ok(None),
                Ok((read, fds)) => {
                    self.bytes.extend_from_slice(&some[..read]);
                    self.fds.extend(fds);
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) if error.kind() == io::ErrorKind::ConnectionReset => return Ok(None),
                Err(error) => return Err(error),
            }
        }
    }

    fn parse(&mut self) -> io::Result<Option<Report>> {
        let Some(length) = self.bytes.first_chunk::<4>() else { return Ok(None) };
        let length = u32::from_be_bytes(*length) as usize;
        if length > LONGEST {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "a report is too long"));
        }
        let Some(body) = self.bytes.get(4..4 + length) else { return Ok(None) };
        let report = serde_json::from_slice(body)?;
        self.bytes.drain(..4 + length);
        Ok(Some(report))
    }
}
