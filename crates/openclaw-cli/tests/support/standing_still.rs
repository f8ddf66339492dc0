use nix::sys::signal::Signal;

use super::TestGateway;

impl TestGateway {
    /// Stops it where it is, as a machine that swaps or a debugger does.
    pub(crate) fn stand_still(&self) {
        self.signal(Signal::SIGSTOP);
    }

    /// Lets it go on from there.
    pub(crate) fn go_on(&self) {
        self.signal(Signal::SIGCONT);
    }
}
