use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use http::{HeaderName, HeaderValue};
use openclaw_config::McpEndpoint;
use rmcp::service::RunningService;
use rmcp::transport::StreamableHttpClientTransport;
use rmcp::transport::auth::AuthClient;
use rmcp::transport::common::client_side_sse::ExponentialBackoff;
use rmcp::transport::streamable_http_client::StreamableHttpClientTransportConfig;
use rmcp::{RoleClient, ServiceExt as _};

use super::handler::Handler;
use super::http_client::for_servers;
use super::sign_in::signed_in;
use super::{CredentialFile, McpError};

/// How often a stream that broke is opened again before it is given up.
const MOST_RECONNECTS: usize = 6;

/// Connects to a server over HTTP.
pub(super) async fn connect(
    server: &str,
    endpoint: &McpEndpoint,
    file: &CredentialFile,
    handler: Handler,
) -> Result<RunningService<RoleClient, Handler>, McpError> {
    let client = for_servers()?;
    let mut headers = HashMap::with_capacity(endpoint.headers.len());
    for (name, value) in &endpoint.headers {
        let name = HeaderName::from_bytes(name.as_bytes())
            .map_err(|_| McpError::Connect(format!("{name:?} is not the name of a header")))?;
        let mut value = HeaderValue::from_str(value.expose())
            .map_err(|_| McpError::Connect(format!("the value of {name} is no header's value")))?;
        value.set_sensitive(true);
        headers.insert(name, value);
    }
    let has_credential = headers.contains_key(&http::header::AUTHORIZATION);
    let mut config = StreamableHttpClientTransportConfig::with_uri(endpoint.url.as_str());
    config = config.custom_headers(headers);
    let mut retry = ExponentialBackoff::default();
    (retry.max_times, retry.max_delay) = (Some(MOST_RECONNECTS), Some(Duration::from_secs(30)));
    config.retry_config = Arc::new(retry);
    let served = if has_credential {
        handler.serve(StreamableHttpClientTransport::with_client(client, config)).await
    } else {
        let client = AuthClient::new(client, signed_in(endpoint, file).await?);
        handler.serve(StreamableHttpClientTransport::with_client(client, config)).await
    };
    served.map_err(|error| McpError::of_start(server, &error, &endpoint.url))
}
