use std::sync::Arc;

use async_trait::async_trait;
use openclaw_config::{McpEndpoint, McpServer, McpTransport};
use openclaw_core::Secret;
use rmcp::transport::AuthorizationManager;
use rmcp::transport::auth::{
    AuthError, AuthorizationCallback, AuthorizationMetadata, CredentialStore as _,
    OAuthClientConfig,
};
use url::Url;

use super::http_client::SignInClient;
use super::{CredentialFile, McpError};

/// What shows the owner a page of an authorization server and hears where it leads back to.
#[async_trait]
pub trait Browser: Send + Sync {
    /// Where pages lead back to.
    fn redirect_uri(&self) -> &str;

    /// Shows a page and waits, for a bounded time, until it led back; gives that URL.
    ///
    /// # Errors
    /// [`McpError::SignIn`] when it did not.
    async fn visit(&self, url: &str) -> Result<String, McpError>;
}

/// Signs in at a server over HTTP, so that later connections do so by themselves: finds its
/// authorization server, registers a client where none is configured, has the owner asked in the
/// browser (with PKCE), and keeps the tokens.
///
/// `challenge` is what the server said when it refused, where it is known.
///
/// # Errors
/// [`McpError::SignIn`] with what failed, [`McpError::Credentials`], [`McpError::Client`].
pub async fn sign_in(
    server: &McpServer,
    challenge: Option<&str>,
    file: &CredentialFile,
    browser: &dyn Browser,
) -> Result<(), McpError> {
    let McpTransport::Http(endpoint) = &server.transport else {
        return Err(McpError::SignIn("only servers over HTTP have a sign-in".to_owned()));
    };
    let mut manager = manager(endpoint, file).await?;
    let found = manager.resolve_metadata_from_challenge(challenge).await;
    let metadata = found.map_err(|error| failed(&error))?.metadata;
    manager.set_metadata(metadata.clone());
    let scopes = scopes(&manager, endpoint, file).await?;
    let scopes: Vec<&str> = scopes.iter().map(String::as_str).collect();
    let redirect_uri = browser.redirect_uri();
    let client = match configured_client(endpoint, &metadata, redirect_uri) {
        Some(client) => client,
        None => {
            let registered = manager.register_client("OpenClaw", redirect_uri, &scopes).await;
            registered.map_err(|error| failed(&error))?
        }
    };
    let secret = client.client_secret.clone().map(Secret::new);
    manager.configure_client(client).map_err(|error| failed(&error))?;
    let url = manager.get_authorization_url(&scopes).await.map_err(|error| failed(&error))?;
    let back = browser.visit(&url).await?;
    let answer = answer(&back)?;
    manager
        .exchange_code_for_token_with_issuer(
            &answer.code,
            &answer.csrf_token,
            answer.issuer.as_deref(),
        )
        .await
        .map_err(|error| failed(&error))?;
    file.set_client_secret(secret).await
}

/// What speaks to the authorization server of an endpoint.
pub(super) async fn manager(
    endpoint: &McpEndpoint,
    file: &CredentialFile,
) -> Result<AuthorizationManager, McpError> {
    let url = Url::parse(&endpoint.url).map_err(|error| McpError::SignIn(error.to_string()))?;
    let client = Arc::new(SignInClient::new(&url)?);
    let manager = AuthorizationManager::new_with_oauth_http_client(url, client).await;
    let mut manager = manager.map_err(|error| failed(&error))?;
    manager.set_credential_store(file.clone());
    Ok(manager)
}

/// A manager that uses and renews the tokens of an earlier sign-in, where there was one.
pub(super) async fn signed_in(
    endpoint: &McpEndpoint,
    file: &CredentialFile,
) -> Result<AuthorizationManager, McpError> {
    let mut manager = manager(endpoint, file).await?;
    if !file.exists() {
        return Ok(manager);
    }
    let known = manager.initialize_from_store().await.map_err(|error| failed(&error))?;
    if let (true, Some(secret)) = (known, file.client_secret().await?) {
        let kept = file.load().await.map_err(|error| failed(&error))?;
        if let Some(kept) = kept {
            // Tokens are renewed, nobody is sent anywhere: the redirect is not used.
            let client = OAuthClientConfig::new(kept.client_id, "http://127.0.0.1/callback");
            manager
                .configure_client(client.with_client_secret(secret.expose()))
                .map_err(|error| failed(&error))?;
        }
    }
    Ok(manager)
}

/// The configured scopes, else those that were granted and those that are asked for now.
async fn scopes(
    manager: &AuthorizationManager,
    endpoint: &McpEndpoint,
    file: &CredentialFile,
) -> Result<Vec<String>, McpError> {
    if !endpoint.scopes.is_empty() {
        return Ok(endpoint.scopes.clone());
    }
    let kept = file.load().await.map_err(|error| failed(&error))?;
    let mut scopes = kept.map(|kept| kept.granted_scopes).unwrap_or_default();
    for scope in manager.select_initial_scopes(&[]).await {
        if !scopes.contains(&scope) {
            scopes.push(scope);
        }
    }
    Ok(scopes)
}

fn configured_client(
    endpoint: &McpEndpoint,
    metadata: &AuthorizationMetadata,
    redirect_uri: &str,
) -> Option<OAuthClientConfig> {
    if let Some(id) = &endpoint.client_id {
        let client = OAuthClientConfig::new(id, redirect_uri);
        return Some(match &endpoint.client_secret {
            Some(secret) => client.with_client_secret(secret.expose()),
            None => client,
        });
    }
    let takes_urls = metadata.additional_fields.get("client_id_metadata_document_supported");
    let takes_urls = takes_urls.is_some_and(|value| value == true);
    let url = endpoint.client_metadata_url.as_ref().filter(|_| takes_urls)?;
    Some(OAuthClientConfig::new(url, redirect_uri))
}

/// What the authorization server sent the browser back with.
fn answer(url: &str) -> Result<AuthorizationCallback, McpError> {
    let refused = Url::parse(url).ok().and_then(|url| {
        let value = |name: &str| {
            url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
        };
        let error = value("error")?;
        Some(match value("error_description") {
            Some(description) => format!("{error}: {description}"),
            None => error,
        })
    });
    match refused {
        Some(refused) => Err(McpError::SignIn(super::foreign::clean(&refused))),
        None => AuthorizationCallback::from_redirect_url(url).map_err(|error| failed(&error)),
    }
}

fn failed(error: &AuthError) -> McpError {
    let mut text = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(inner) = source {
        text = format!("{text}: {inner}");
        source = inner.source();
    }
    McpError::SignIn(super::foreign::clean(&text))
}
