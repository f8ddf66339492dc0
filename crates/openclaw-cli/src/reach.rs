//! How commands reach the running gateway.

use std::net::IpAddr;

use async_trait::async_trait;
use openclaw_client::{Client, ClientError, Connect, Endpoint, Events, connect_websocket};
use openclaw_config::{Overrides, load_client};
use openclaw_core::Secret;

use crate::context::Context;
use crate::exit::Failure;

/// A running gateway's place and token.
#[derive(Debug, Clone)]
pub(crate) struct Reach(Endpoint);

impl Reach {
    /// From configuration, environment and state folder.
    pub(crate) fn find(context: &Context) -> Result<Self, Failure> {
        let settings = load_client(&context.environment, Overrides::default())?;
        let token = match settings.gateway.auth.token {
            Some(token) => Some(token),
            None => std::fs::read_to_string(settings.state.gateway_token())
                .ok()
                .map(|text| Secret::new(text.trim())),
        };
        let host = match settings.gateway.bind_address {
            // A gateway that listens everywhere is reached over loopback.
            IpAddr::V4(address) if address.is_unspecified() => "127.0.0.1".to_owned(),
            IpAddr::V6(address) if address.is_unspecified() => "[::1]".to_owned(),
            IpAddr::V4(address) => address.to_string(),
            IpAddr::V6(address) => format!("[{address}]"),
        };
        Ok(Self(Endpoint { address: format!("{host}:{}", settings.gateway.port), token }))
    }

    /// Connects once.
    pub(crate) async fn client(&self) -> Result<Client, Failure> {
        let (client, _events) = self.connect().await?;
        Ok(client)
    }
}

#[async_trait]
impl Connect for Reach {
    async fn connect(&self) -> Result<(Client, Events), ClientError> {
        let transport = connect_websocket(&self.0).await?;
        Ok(Client::start(transport))
    }
}
