use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::thread;
use std::time::Duration;

use openclaw_core::Secret;

use super::{SecretError, text_of};

// A desktop may ask its user to unlock the keyring.
const TIME_LIMIT: Duration = Duration::from_secs(10);

/// Reads from the keyring of the operating system.
pub(super) fn read(service: &str, account: &str) -> Result<Secret, SecretError> {
    let (service, account) = (service.to_owned(), account.to_owned());
    // One answer is sent.
    let (sender, receiver) = sync_channel(1);
    // The keyring's client blocks without a limit of its own.
    thread::Builder::new()
        .name("secret-keyring".to_owned())
        .spawn(move || {
            let password =
                ::keyring::Entry::new(&service, &account).and_then(|entry| entry.get_password());
            // Nobody waits any more when the time is over.
            drop(sender.send(password));
        })
        .map_err(|error| SecretError(format!("the keyring cannot be asked: {error}")))?;
    match receiver.recv_timeout(TIME_LIMIT) {
        Ok(Ok(password)) => text_of(password.into_bytes(), "the keyring's entry"),
        Ok(Err(::keyring::Error::NoEntry)) => {
            Err(SecretError("the keyring has no such entry".to_owned()))
        }
        Ok(Err(::keyring::Error::NoDefaultStore)) => {
            Err(SecretError("no keyring is available here".to_owned()))
        }
        Ok(Err(::keyring::Error::BadEncoding(_))) => {
            Err(SecretError("the keyring's entry is not UTF-8".to_owned()))
        }
        Ok(Err(error)) => Err(SecretError(format!("the keyring refused: {error}"))),
        Err(RecvTimeoutError::Timeout) => {
            let seconds = TIME_LIMIT.as_secs();
            Err(SecretError(format!("the keyring did not answer within {seconds} s")))
        }
        Err(RecvTimeoutError::Disconnected) => {
            Err(SecretError("the keyring's client gave up".to_owned()))
        }
    }
}
