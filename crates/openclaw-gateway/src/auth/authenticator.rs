use std::net::IpAddr;
use std::sync::Arc;

use openclaw_core::{Clock, Secret, Timestamp};

use super::api_key::id_of;
use super::gateway_token::GatewayToken;
use super::lockout::Lockout;
use super::sign_ins::SignIns;
use super::{AuthError, Credentials, Principal, SignedIn, jwt};

/// What a caller offers.
#[derive(Debug, Clone)]
pub enum Credential {
    /// From an `Authorization: Bearer` header: a token, an API key or a JWT.
    Bearer(Secret),
    /// The gateway token.
    Token(Secret),
    /// An API key.
    ApiKey(Secret),
    /// An access token.
    Jwt(Secret),
    /// The password.
    Password(Secret),
}

/// Checks credentials.
#[derive(Debug)]
pub struct Authenticator {
    token: GatewayToken,
    credentials: Arc<Credentials>,
    lockout: Lockout,
    sign_ins: SignIns,
    clock: Arc<dyn Clock>,
}

impl Authenticator {
    /// One that knows this gateway token and these credentials.
    pub fn new(token: &Secret, credentials: Arc<Credentials>, clock: Arc<dyn Clock>) -> Self {
        Self {
            token: GatewayToken::new(token),
            credentials,
            lockout: Lockout::default(),
            sign_ins: SignIns::default(),
            clock,
        }
    }

    /// The credentials it knows besides the gateway token.
    pub fn credentials(&self) -> &Credentials {
        &self.credentials
    }

    /// Takes another gateway token from the next credential on; whether it is another one.
    pub fn replace_token(&self, token: &Secret) -> bool {
        self.token.replace(token)
    }

    /// Checks a credential that a request carries. A right one passes a lockout: whoever guesses from
    /// the owner's machine must not lock the owner out.
    ///
    /// # Errors
    /// [`AuthError::Unknown`] counts towards the lockout, the others do not.
    pub fn bearer(&self, address: IpAddr, offered: &Secret) -> Result<Principal, AuthError> {
        let signed_in = self.token_key_or_jwt(offered);
        self.counted(address, signed_in).map(|signed_in| signed_in.principal)
    }

    /// Checks a credential that somebody signs in with. A password does not pass a lockout.
    ///
    /// # Errors
    /// As [`Self::bearer`].
    pub async fn sign_in(
        &self,
        address: IpAddr,
        credential: &Credential,
    ) -> Result<SignedIn, AuthError> {
        let checked = match credential {
            Credential::Bearer(secret) => self.token_key_or_jwt(secret),
            Credential::Token(secret) => self.gateway_token(secret),
            Credential::ApiKey(secret) => self.credentials.api_key(secret),
            Credential::Jwt(secret) => {
                self.credentials.access_token(secret).map(SignedIn::without_tokens)
            }
            Credential::Password(secret) => {
                self.may_try_password(address)?;
                self.credentials.password(secret).await
            }
        };
        self.counted(address, checked)
    }

    fn gateway_token(&self, offered: &Secret) -> Result<SignedIn, AuthError> {
        self.token.check(offered).map(SignedIn::without_tokens).ok_or(AuthError::Unknown)
    }

    fn token_key_or_jwt(&self, offered: &Secret) -> Result<SignedIn, AuthError> {
        // The owner may choose a token that looks like something else.
        match self.gateway_token(offered) {
            Ok(owner) => Ok(owner),
            Err(_) if id_of(offered.expose()).is_some() => self.credentials.api_key(offered),
            Err(_) if jwt::looks_like(offered.expose()) => {
                self.credentials.access_token(offered).map(SignedIn::without_tokens)
            }
            Err(unknown) => Err(unknown),
        }
    }

    fn may_try_password(&self, address: IpAddr) -> Result<(), AuthError> {
        let now = self.clock.now();
        if let Some(retry_after) = self.lockout.remaining(address, now) {
            return Err(AuthError::LockedOut { retry_after });
        }
        self.sign_ins
            .take(address, now)
            .map_err(|retry_after| AuthError::TooManySignIns { retry_after })
    }

    /// Counts a wrong credential; in a lockout it is not even said to be wrong.
    fn counted(
        &self,
        address: IpAddr,
        checked: Result<SignedIn, AuthError>,
    ) -> Result<SignedIn, AuthError> {
        let now = self.clock.now();
        match checked {
            Ok(signed_in) if signed_in.grant().is_over(now) => Err(AuthError::Over("expired")),
            Err(AuthError::Unknown) => {
                if let Some(retry_after) = self.lockout.remaining(address, now) {
                    return Err(AuthError::LockedOut { retry_after });
                }
                self.lockout.mistake(address, now);
                Err(AuthError::Unknown)
            }
            other => other,
        }
    }

    /// The time, by which credentials expire.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }
}
