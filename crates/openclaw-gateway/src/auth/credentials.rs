use std::sync::Arc;
use std::time::Duration;

use openclaw_core::{Clock, IdGen, Rng, Secret, Timestamp};
use openclaw_errors::OpenClawError;
use openclaw_protocol::methods::{ApiKey, IssuedKey, SigningKey};
use openclaw_protocol::{Scope, ScopeSet};
use openclaw_storage::Storage;
use serde_json::Value;
use tokio::sync::{Notify, OnceCell};

use super::access_tokens::VerifiedTokens;
use super::jwt::{Claims, ISSUER};
use super::key_ring::{KeyRing, NewKey};
use super::password::Passwords;
use super::signing_keys::{SigningKeys, TOKEN_LIFE};
use super::{AuthError, Grant, Principal};

/// By how much the clocks of gateways on the same store may differ.
const CLOCK_SKEW: Duration = Duration::from_secs(60);
/// How a token names the credential that it was issued for.
const OF_KEY: &str = "key:";
const OF_PASSWORD: &str = "password:";

/// An access token that was issued.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessToken {
    /// The token.
    pub token: Secret,
    /// When it stops working.
    pub expires_at: Timestamp,
}

/// A caller that signed in, and what lets it go on.
#[derive(Debug, Clone)]
pub struct SignedIn {
    /// Who it is.
    pub principal: Principal,
    /// What access tokens name its credential by; `None` where none is issued.
    pub(super) credential: Option<String>,
}

/// The credentials that the gateway keeps itself: API keys, the keys that sign access tokens, and
/// the owner's password.
#[derive(Debug)]
pub struct Credentials {
    keys: KeyRing,
    signing: SigningKeys,
    verified: VerifiedTokens,
    passwords: Passwords,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn IdGen>,
    loaded: OnceCell<()>,
    changed: Notify,
}

impl Credentials {
    /// Credentials in this store; [`Self::load`] reads them.
    pub fn new(
        storage: Arc<dyn Storage>,
        clock: Arc<dyn Clock>,
        ids: Arc<dyn IdGen>,
        rng: Arc<dyn Rng>,
    ) -> Self {
        Self {
            keys: KeyRing::new(storage.clone(), clock.clone(), rng.clone()),
            signing: SigningKeys::new(storage, clock.clone(), rng),
            verified: VerifiedTokens::default(),
            passwords: Passwords::default(),
            clock,
            ids,
            loaded: OnceCell::new(),
            changed: Notify::new(),
        }
    }

    /// Reads the store, once.
    ///
    /// # Errors
    /// `Database` when it cannot be read.
    pub async fn load(&self) -> Result<(), OpenClawError> {
        self.loaded.get_or_try_init(|| self.refresh()).await.map(|_| ())
    }

    /// Reads the store again: another gateway may have changed it.
    ///
    /// # Errors
    /// `Database` when it cannot be read.
    pub async fn refresh(&self) -> Result<(), OpenClawError> {
        self.signing.refresh().await?;
        if self.keys.refresh().await? {
            self.changed.notify_one();
        }
        Ok(())
    }

    /// Waits until a grant was ended since the last call. Cancel-safe.
    pub async fn changed(&self) {
        self.changed.notified().await;
    }

    /// Takes the hash of the owner's password from now on.
    pub fn set_password(&self, hash: Option<&Secret>) {
        if self.passwords.replace(hash) {
            self.changed.notify_one();
        }
    }

    /// Whether an API key works at present.
    pub fn has_live_key(&self) -> bool {
        self.keys.has_live()
    }

    /// Checks an API key.
    pub(super) fn api_key(&self, offered: &Secret) -> Result<SignedIn, AuthError> {
        let (principal, generation) = self.keys.check(offered)?;
        // The principal is called after the key.
        let credential = Some(format!("{}:{generation}", principal.name));
        Ok(SignedIn { principal, credential })
    }

    /// Checks an access token. The credential that it was issued for must still be what it was.
    pub(super) fn access_token(&self, offered: &Secret) -> Result<Principal, AuthError> {
        let now = self.clock.now();
        if let Some(principal) = self.verified.get(offered, now) {
            self.keys.used(&principal.name);
            return Ok(principal);
        }
        let (claims, until) = self.signing.verify(offered.expose()).ok_or(AuthError::Unknown)?;
        let expires_at = Timestamp::from_millis(claims.exp.saturating_mul(1_000));
        if expires_at <= now {
            return Err(AuthError::Over("expired"));
        }
        // No gateway issues one for longer: it was made with a key that somebody else has.
        if expires_at > now.plus(TOKEN_LIFE).plus(CLOCK_SKEW) {
            return Err(AuthError::Unknown);
        }
        let expires_at = until.map_or(expires_at, |until| until.min(expires_at));
        let principal = self.subject(&claims, expires_at)?;
        self.keys.used(&principal.name);
        self.verified.put(offered, principal.clone(), now);
        Ok(principal)
    }

    fn subject(&self, claims: &Claims, expires_at: Timestamp) -> Result<Principal, AuthError> {
        if let Some((id, generation)) =
            claims.cred.strip_prefix(OF_KEY).and_then(|key| key.split_once(':'))
        {
            let generation = generation.parse().map_err(|_| AuthError::Unknown)?;
            return self.keys.by_token(id, generation, claims.scopes, expires_at);
        }
        let fingerprint = claims.cred.strip_prefix(OF_PASSWORD).ok_or(AuthError::Unknown)?;
        let grant = self.passwords.by_fingerprint(fingerprint);
        let grant = grant.ok_or(AuthError::Over("been changed"))?;
        let mut owner = Principal::owner_with(grant.within(Some(expires_at)));
        owner.scopes = claims.scopes;
        Ok(owner)
    }

    /// Checks the owner's password, away from the threads that serve.
    pub(super) async fn password(&self, offered: &Secret) -> Result<SignedIn, AuthError> {
        let (grant, fingerprint) = self.passwords.check(offered).await?;
        let principal = Principal::owner_with(grant);
        Ok(SignedIn { principal, credential: Some(format!("{OF_PASSWORD}{fingerprint}")) })
    }

    /// Issues an access token to who signed in with an API key or the password: with the same scopes,
    /// for an hour at most.
    ///
    /// # Errors
    /// `Database` when a signing key is needed and cannot be stored.
    pub async fn issue(&self, signed_in: &SignedIn) -> Result<Option<AccessToken>, OpenClawError> {
        let Some(credential) = &signed_in.credential else { return Ok(None) };
        let now = self.clock.now();
        let mut expires_at = now.plus(TOKEN_LIFE);
        if let Some(at) = signed_in.principal.grant.expires_at() {
            expires_at = expires_at.min(at);
        }
        // Tokens count in seconds, and must not outlive what they were issued for.
        let exp = expires_at.as_millis().div_euclid(1_000);
        let claims = Claims {
            iss: ISSUER.to_owned(),
            sub: signed_in.principal.name.to_string(),
            cred: credential.clone(),
            scopes: signed_in.principal.scopes,
            iat: now.as_millis().div_euclid(1_000),
            exp,
            jti: self.ids.new_id(),
        };
        let token = Secret::new(self.signing.sign(&claims).await?);
        Ok(Some(AccessToken { token, expires_at: Timestamp::from_millis(exp * 1_000) }))
    }

    /// The public keys that access tokens are verified with: a JSON Web Key Set.
    pub fn public_keys(&self) -> Value {
        self.signing.public_keys()
    }

    /// The API keys, oldest first.
    pub fn list_keys(&self) -> Vec<ApiKey> {
        self.keys.list()
    }

    /// Makes an API key for a caller.
    ///
    /// # Errors
    /// `Forbidden` for a scope that the caller lacks, `InvalidParams` for a bad name or no scope,
    /// `Conflict` for a name that is taken.
    pub async fn create_key(
        &self,
        new: NewKey,
        by: &Principal,
    ) -> Result<IssuedKey, OpenClawError> {
        may_grant(by, new.scopes)?;
        let issued = self.keys.create(new, &by.name).await?;
        tracing::info!(id = issued.info.id, name = issued.info.name, "an API key was made");
        Ok(issued)
    }

    /// Revokes the API key of this id or name; what signed in with it ends.
    ///
    /// # Errors
    /// `NotFound` where there is none, `Overloaded` where other gateways keep changing it.
    pub async fn revoke_key(&self, named: &str) -> Result<ApiKey, OpenClawError> {
        let revoked = self.keys.revoke(named).await;
        // A change of another gateway may have ended something even if this failed.
        self.changed.notify_one();
        let revoked = revoked?;
        tracing::info!(id = revoked.id, name = revoked.name, "an API key was revoked");
        Ok(revoked)
    }

    /// Gives an API key another secret; what signed in with the old one ends.
    ///
    /// # Errors
    /// `NotFound` where there is none, `Forbidden` where it may do what the caller may not, `Conflict`
    /// where it is over, `Overloaded` where other gateways keep changing it.
    pub async fn rotate_key(
        &self,
        named: &str,
        by: &Principal,
    ) -> Result<IssuedKey, OpenClawError> {
        let issued = self.keys.rotate(named, by).await;
        self.changed.notify_one();
        let issued = issued?;
        tracing::info!(id = issued.info.id, name = issued.info.name, "an API key was rotated");
        Ok(issued)
    }

    /// Signs access tokens with a new key from now on.
    ///
    /// # Errors
    /// `Database` when it cannot be stored.
    pub async fn rotate_signing_key(&self) -> Result<SigningKey, OpenClawError> {
        let key = self.signing.rotate().await?;
        tracing::info!(id = key.id, "access tokens are signed with a new key");
        Ok(key)
    }

    /// Writes when API keys were last used.
    pub async fn store_uses(&self) {
        self.keys.store_uses().await;
    }

    /// How often [`Self::refresh`] finds a change soon enough, where others write the store too.
    pub const REFRESH_EVERY: Duration = Duration::from_millis(500);
}

/// Nobody hands on more than they have.
pub(super) fn may_grant(by: &Principal, scopes: ScopeSet) -> Result<(), OpenClawError> {
    let lacking: Option<Scope> = scopes.iter().find(|scope| !by.scopes.allows(*scope));
    match lacking {
        None => Ok(()),
        Some(scope) => Err(OpenClawError::new(
            openclaw_errors::ErrorKind::Forbidden,
            format!("the scope {scope} cannot be granted by who lacks it"),
        )
        .with_field("scopes")),
    }
}

impl SignedIn {
    pub(super) fn without_tokens(principal: Principal) -> Self {
        Self { principal, credential: None }
    }

    pub(super) fn grant(&self) -> &Grant {
        &self.principal.grant
    }
}

#[cfg(test)]
mod tests {
    use super::{AuthError, CLOCK_SKEW, Claims, Credentials, ISSUER, NewKey, TOKEN_LIFE};
    use crate::auth::{Grant, Principal};
    use openclaw_core::{Clock as _, Secret, SystemIds, SystemRng};
    use openclaw_protocol::{Scope, ScopeSet};
    use openclaw_storage::NoObserver;
    use openclaw_storage::memory::MemoryStorage;
    use openclaw_testkit::ManualClock;
    use std::sync::Arc;
    use std::time::Duration;

    #[tokio::test]
    async fn a_token_that_lives_longer_than_any_issued_one_is_forged() {
        let clock = Arc::new(ManualClock::default());
        let storage = Arc::new(MemoryStorage::new(clock.clone(), Arc::new(NoObserver)));
        let credentials =
            Credentials::new(storage, clock.clone(), Arc::new(SystemIds), Arc::new(SystemRng));
        let scopes: ScopeSet = [Scope::Read].into_iter().collect();
        let maker = Principal::new("maker", scopes, Grant::lasting());
        let new = NewKey { name: "x".to_owned(), scopes, expires_in: None };
        let key = credentials.create_key(new, &maker).await.expect("made");
        let signed_in = credentials.api_key(&Secret::new(key.key)).expect("signs in");
        let signed = async |lives: Duration| {
            let claims = Claims {
                iss: ISSUER.to_owned(),
                sub: signed_in.principal.name.to_string(),
                cred: signed_in.credential.clone().expect("tokens are issued for it"),
                scopes,
                iat: 0,
                exp: clock.now().plus(lives).as_millis() / 1_000,
                jti: "x".to_owned(),
            };
            Secret::new(credentials.signing.sign(&claims).await.expect("signs"))
        };
        let longest = signed(TOKEN_LIFE + CLOCK_SKEW).await;
        let forged = signed(TOKEN_LIFE + CLOCK_SKEW + Duration::from_secs(1)).await;
        assert!(matches!(credentials.access_token(&forged), Err(AuthError::Unknown)));
        // It stops with the key that signed it, even where its signature was checked before.
        credentials.rotate_signing_key().await.expect("rotates");
        let until = clock.now().plus(TOKEN_LIFE);
        let principal = credentials.access_token(&longest).expect("counts");
        assert_eq!(principal.grant.expires_at(), Some(until));
        clock.set(until);
        assert!(credentials.access_token(&longest).is_err());
        let issued = credentials.issue(&signed_in).await.expect("stored").expect("issued");
        let principal = credentials.access_token(&issued.token).expect("counts");
        assert_eq!(principal.grant.expires_at(), Some(issued.expires_at));
    }
}
