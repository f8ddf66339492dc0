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
    let signed_in = caller.authenticator.sign_in(caller.address, credential).await?;
    let issued = state.credentials.issue(&signed_in).await?;
    let principal = signed_in.principal;
    caller.sign_in(principal.clone());
    if let Some(client) = &caller.client {
        state.hub.sign_in(client, principal.name.clone(), principal.scopes);
    }
    Ok(AuthenticateResult {
        principal: principal.name.to_string(),
        scopes: principal.scopes,
        expires_at: issued
            .as_ref()
            .map(|issued| issued.expires_at)
            .or_else(|| principal.grant.expires_at()),
        access_token: issued.map(|issued| issued.token.expose().to_owned()),
    })
}
