use openclaw_core::Secret;
use openclaw_errors::OpenClawError;
use openclaw_protocol::methods::{AuthenticateParams, AuthenticateResult};

use super::Caller;
use crate::GatewayState;
use crate::auth::Credential;

/// Signs the connection in; over HTTP it only checks the credential.
pub(super) async fn run(
    state: &GatewayState,
    caller: &Caller,
    params: AuthenticateParams,
) -> Result<AuthenticateResult, OpenClawError> {
    let offered: Vec<Credential> = [
        params.token.map(|text| Credential::Token(Secret::new(text))),
        params.api_key.map(|text| Credential::ApiKey(Secret::new(text))),
        params.jwt.map(|text| Credential::Jwt(Secret::new(text))),
        params.password.map(|text| Credential::Password(Secret::new(text))),
    ]
    .into_iter()
    .flatten()
    .collect();
    let [credential] = offered.as_slice() else {
        return Err(OpenClawError::invalid_params(
            "token",
            "give exactly one of token, api_key, jwt, password",
        ));
    };
    let principal = caller.authenticator.check(caller.address, credential)?;
    caller.sign_in(principal.clone());
    if let Some(client) = &caller.client {
        state.hub.sign_in(client, principal.name.clone(), principal.scopes);
    }
    Ok(AuthenticateResult {
        principal: principal.name.to_string(),
        scopes: principal.scopes,
        access_token: None,
        expires_at: None,
    })
}
