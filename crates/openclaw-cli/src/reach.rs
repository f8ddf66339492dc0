//! How commands reach the running gateway.

use std::net::IpAddr;

use async_trait::async_trait;
use openclaw_client::{Client, ClientError, Connect, Endpoint, Events, Trust, connect_websocket};
use openclaw_config::{ClientSettings, Overrides, TlsSettings, load_client};
use openclaw_core::Secret;
use openclaw_gateway::server::certificate_fingerprint;

use crate::context::Context;
use crate::exit::Failure;
use crate::login_file::Login;

/// A running gateway's place, what it shows and what opens it.
#[derive(Debug, Clone)]
pub(crate) struct Reach(Endpoint);

impl Reach {
    /// From flags, configuration, environment and state folder. `--gateway` goes before all; what
    /// `openclaw login` kept goes before the generated token, not before one that the owner set.
    pub(crate) fn find(context: &Context) -> Result<Self, Failure> {
        let login = Login::load(&context.paths())?;
        if let Some(address) = &context.gateway {
            return Self::remote(context, address, login);
        }
        let settings = load_client(&context.environment, Overrides::default())?;
        if let Some(token) = settings.gateway.auth.token.clone() {
            return Self::here(context, &settings, Some(token));
        }
        match login {
            Some(login) => Ok(Self(login.endpoint()?)),
            None => {
                let token = std::fs::read_to_string(settings.state.gateway_token())
                    .ok()
                    .map(|text| Secret::new(text.trim()));
                Self::here(context, &settings, token)
            }
        }
    }

    /// A gateway of which only the command line knows.
    fn remote(context: &Context, given: &str, login: Option<Login>) -> Result<Self, Failure> {
        let (address, is_tls) = match given.split_once("://") {
            Some(("https" | "wss", address)) => (address, true),
            Some(("http" | "ws", address)) => (address, context.fingerprint.is_some()),
            Some(_) => {
                return Err(Failure::usage("--gateway must be host:port, http://… or https://…"));
            }
            None => (given, context.fingerprint.is_some()),
        };
        let address = address.trim_end_matches('/').to_owned();
        let kept = login.map(Login::endpoint).transpose()?.filter(|kept| kept.address == address);
        let trust = match (&context.fingerprint, is_tls, &kept) {
            (Some(fingerprint), _, _) => Trust::Pinned(
                fingerprint
                    .parse()
                    .map_err(|wrong| Failure::usage(format!("--fingerprint {wrong}")))?,
            ),
            (None, _, Some(kept)) => kept.trust.clone(),
            (None, true, None) => Trust::Authorities,
            (None, false, None) => Trust::Plain,
        };
        let token = context
            .environment
            .var("OPENCLAW_GATEWAY_TOKEN")
            .map(Secret::new)
            .or_else(|| kept.and_then(|kept| kept.token));
        Ok(Self(Endpoint { address, token, trust }))
    }

    /// The gateway of this machine.
    fn here(
        context: &Context,
        settings: &ClientSettings,
        token: Option<Secret>,
    ) -> Result<Self, Failure> {
        let host = match settings.gateway.bind_address {
            // A gateway that listens everywhere is reached over loopback.
            IpAddr::V4(address) if address.is_unspecified() => "127.0.0.1".to_owned(),
            IpAddr::V6(address) if address.is_unspecified() => "[::1]".to_owned(),
            IpAddr::V4(address) => address.to_string(),
            IpAddr::V6(address) => format!("[{address}]"),
        };
        let shown = context
            .fingerprint
            .clone()
            .or_else(|| certificate_fingerprint(&settings.gateway, settings.state.root()));
        let trust = match shown {
            Some(fingerprint) => Trust::Pinned(
                fingerprint
                    .parse()
                    .map_err(|wrong| Failure::usage(format!("--fingerprint {wrong}")))?,
            ),
            None if settings.gateway.tls == TlsSettings::Off => Trust::Plain,
            None => Trust::Authorities,
        };
        let address = format!("{host}:{}", settings.gateway.port);
        Ok(Self(Endpoint { address, token, trust }))
    }

    /// Where it is.
    pub(crate) fn endpoint(&self) -> &Endpoint {
        &self.0
    }

    /// The same gateway, for whoever is about to sign in.
    pub(crate) fn without_credential(mut self) -> Self {
        self.0.token = None;
        self
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
