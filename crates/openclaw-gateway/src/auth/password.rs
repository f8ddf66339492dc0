use std::sync::{Arc, RwLock};

use argon2::password_hash::{PasswordHasher as _, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, Version};
use openclaw_core::{Rng, Secret};
use openclaw_errors::OpenClawError;
use tokio::sync::Semaphore;

use super::api_key::random;
use super::digest::SecretDigest;
use super::{AuthError, Grant};

/// Passwords checked at a time: each takes about 40 ms of a core and 19 MiB.
const WORKERS: usize = 2;
/// Passwords that wait for that; further ones are told to come again.
const WAITING: usize = 16;
/// Nobody types more, and hashing it would cost.
const LONGEST: usize = 1_024;

/// The owner's password, kept as an Argon2id hash.
#[derive(Debug)]
pub(super) struct Passwords {
    current: RwLock<Option<Arc<Current>>>,
    workers: Arc<Semaphore>,
    places: Arc<Semaphore>,
}

#[derive(Debug)]
struct Current {
    hash: Secret,
    grant: Grant,
}

impl Current {
    /// Names this password in access tokens.
    fn fingerprint(&self) -> String {
        SecretDigest::of(&self.hash).to_hex()[..16].to_owned()
    }
}

impl Default for Passwords {
    fn default() -> Self {
        Self {
            current: RwLock::default(),
            workers: Arc::new(Semaphore::new(WORKERS)),
            places: Arc::new(Semaphore::new(WORKERS + WAITING)),
        }
    }
}

impl Passwords {
    fn current(&self) -> Option<Arc<Current>> {
        self.current.read().expect("no panic while the password is held").clone()
    }

    /// Takes another hash, or none; whether it is another one. What signed in with the old one ends.
    pub(super) fn replace(&self, hash: Option<&Secret>) -> bool {
        let mut current = self.current.write().expect("no panic while the password is held");
        if current.as_ref().map(|current| &current.hash) == hash {
            return false;
        }
        if let Some(before) = current.take() {
            before.grant.end();
        }
        *current =
            hash.map(|hash| Arc::new(Current { hash: hash.clone(), grant: Grant::lasting() }));
        true
    }

    /// Checks a password on a thread that may take its time. The grant and its name in tokens.
    pub(super) async fn check(&self, offered: &Secret) -> Result<(Grant, String), AuthError> {
        let Some(current) = self.current() else { return Err(AuthError::Unknown) };
        if offered.expose().len() > LONGEST {
            return Err(AuthError::Unknown);
        }
        let _place = self.places.clone().try_acquire_owned().map_err(|_| AuthError::Busy)?;
        let worker = self.workers.clone().acquire_owned().await.map_err(|_| AuthError::Busy)?;
        let (hash, offered) = (current.hash.clone(), offered.clone());
        let checking = tokio::task::spawn_blocking(move || {
            // Held until the hash is done, also where nobody waits for it any more.
            let _worker = worker;
            let argon2 = Argon2::default();
            PasswordVerifier::<str>::verify_password(
                &argon2,
                offered.expose().as_bytes(),
                hash.expose(),
            )
            .is_ok()
        });
        match checking.await {
            Ok(true) => Ok((current.grant.clone(), current.fingerprint())),
            Ok(false) => Err(AuthError::Unknown),
            Err(error) => {
                tracing::error!(%error, "a password check failed from within");
                Err(AuthError::Busy)
            }
        }
    }

    /// The grant of the password that tokens name so, while it is the current one.
    pub(super) fn by_fingerprint(&self, fingerprint: &str) -> Option<Grant> {
        let current = self.current()?;
        (current.fingerprint() == fingerprint).then(|| current.grant.clone())
    }
}

/// Hashes a password for `gateway.auth.password_hash`. Takes tens of milliseconds.
///
/// # Errors
/// `InvalidParams` for one that is empty or longer than a kibibyte.
pub fn hash_password(password: &Secret, rng: &dyn Rng) -> Result<String, OpenClawError> {
    if password.is_empty() || password.expose().len() > LONGEST {
        let text = format!("a password has 1 to {LONGEST} bytes");
        return Err(OpenClawError::invalid_params("password", text));
    }
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, Params::default());
    let hash = argon2
        .hash_password_with_salt(password.expose().as_bytes(), &random::<16>(rng))
        .map_err(|error| OpenClawError::internal(format!("cannot hash the password: {error}")))?;
    Ok(hash.to_string())
}

#[cfg(test)]
mod tests {
    use super::{Passwords, hash_password};
    use crate::auth::AuthError;
    use openclaw_core::{Secret, SystemRng};

    #[tokio::test]
    async fn only_the_present_password_is_taken_and_its_followers_end_with_it() {
        let passwords = Passwords::default();
        let right = Secret::new("a long password");
        assert_eq!(passwords.check(&right).await.err(), Some(AuthError::Unknown));
        let hash = Secret::new(hash_password(&right, &SystemRng).expect("hashes"));
        assert!(hash.expose().starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
        assert!(passwords.replace(Some(&hash)));
        assert!(!passwords.replace(Some(&hash)));
        let (grant, name) = passwords.check(&right).await.expect("right");
        assert!(passwords.by_fingerprint(&name).is_some());
        for wrong in ["", "a long passwore", "a long password "] {
            let refused = passwords.check(&Secret::new(wrong)).await;
            assert_eq!(refused.err(), Some(AuthError::Unknown), "{wrong:?}");
        }
        let other = Secret::new(hash_password(&right, &SystemRng).expect("hashes"));
        assert!(passwords.replace(Some(&other)));
        assert!(grant.is_ended());
        assert!(passwords.by_fingerprint(&name).is_none());
    }

    #[tokio::test]
    async fn more_than_can_be_checked_are_told_to_come_again() {
        let passwords = Passwords::default();
        let right = Secret::new("a long password");
        let hash = Secret::new(hash_password(&right, &SystemRng).expect("hashes"));
        passwords.replace(Some(&hash));
        let checks = (0..30).map(|_| passwords.check(&right));
        let outcomes = futures_util::future::join_all(checks).await;
        let busy = outcomes.iter().filter(|outcome| outcome.is_err()).count();
        assert_eq!(busy, 30 - super::WORKERS - super::WAITING);
    }
}
