use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use openclaw_core::RunId;
use tokio::sync::Notify;

/// What wakes a lane. A wake-up carries no message: the lane reads its inputs from the inbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wake {
    /// Inputs were stored for it.
    Input,
    /// Its session ended: a turn of the ended one stops.
    Reset,
    /// This run is to stop.
    Stop(RunId),
}

/// The wake-ups that wait for one lane.
///
/// Like ones become one, so it never fills: it holds two flags and the runs to stop, of which a key
/// has as many as it has inputs that are running.
#[derive(Debug, Default)]
pub(crate) struct Mailbox {
    mail: Mutex<Mail>,
    bell: Notify,
}

#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Mail {
    pub(crate) input: bool,
    pub(crate) reset: bool,
    pub(crate) stops: BTreeSet<RunId>,
}

impl Mailbox {
    pub(crate) fn post(&self, wake: Wake) {
        {
            let mut mail = self.lock();
            match wake {
                Wake::Input => mail.input = true,
                Wake::Reset => mail.reset = true,
                Wake::Stop(run) => {
                    mail.stops.insert(run);
                }
            }
        }
        self.bell.notify_one();
    }

    pub(crate) fn take(&self) -> Mail {
        std::mem::take(&mut *self.lock())
    }

    pub(crate) fn is_empty(&self) -> bool {
        *self.lock() == Mail::default()
    }

    /// Waits until something was posted. Cancel-safe: a ring that nobody heard is kept.
    ///
    /// May return without mail, for a ring whose mail was taken already.
    pub(crate) async fn rung(&self) {
        self.bell.notified().await;
    }

    fn lock(&self) -> MutexGuard<'_, Mail> {
        self.mail.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use openclaw_core::RunId;

    use super::{Mail, Mailbox, Wake};

    #[tokio::test]
    async fn wakes_become_one_and_none_is_lost() {
        let mailbox = Mailbox::default();
        let run = RunId::new("r1").expect("valid");
        for wake in [Wake::Input, Wake::Stop(run.clone()), Wake::Input, Wake::Stop(run.clone())] {
            mailbox.post(wake);
        }
        mailbox.rung().await;
        assert_eq!(mailbox.take(), Mail { input: true, reset: false, stops: [run].into() });
        assert!(mailbox.is_empty());
        mailbox.post(Wake::Reset);
        mailbox.rung().await;
        assert!(!mailbox.is_empty());
    }
}
