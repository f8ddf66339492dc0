//! How commands reach the running gateway.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use async_trait::async_trait;
use openclaw_client::{Client, ClientError, Connect, Endpoint, Events, Trust, connect_websocket};
use openclaw_config::{ClientSettings, Overrides, TlsSettings, load_client};
use openclaw_core::Secret;
use openclaw_gateway::lifecycle::StateLock;
use openclaw_gateway::server::certificate_fingerprint;

use crate::context::Context;
use crate::exit::Failure;
use crate::login_file::Login;

/// A running gateway's place, what it shows and what opens it.
#[derive(Debug, Clone)]
pub(crate) struct Reach {
    endpoint: Endpoint,
    is_here: bool,
}

/// What a login that has expired is good for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Expired {
    /// Nothing.
    Refused,
    /// Its place, for who is about to sign in there again.
    Place,
}

impl Reach {
    /// From flags, configuration, environment and state folder. `--gateway` goes before all; what
    /// `openclaw login` kept goes before the generated token, not before one that the owner set.
    ///
    /// # Errors
    /// `REFUSED` where the login that it would use has expired.
    pub(crate) fn find(context: &Context) -> Result<Self, Failure> {
        Self::found(context, Expired::Refused)
    }

    /// Where [`Self::find`] leads, for whoever is about to sign in.
    pub(crate) fn place(context: &Context) -> Result<Self, Failure> {
        let mut reach = Self::found(context, Expired::Place)?;
        reach.endpoint.token = None;
        Ok(reach)
    }

    fn found(context: &Context, expired: Expired) -> Result<Self, Failure> {
        let login = Login::load(&context.paths())?;
        let used = |login: Login| {
            if expired == Expired::Refused {
                login.check()?;
            }
            login.endpoint()
        };
        if let Some(given) = &context.gateway {
            let given = Given::read(context, given)?;
            let kept = login.filter(|login| login.address() == given.address).map(used);
            return given.reach(context, kept.transpose()?);
        }
        let settings = load_client(&context.environment, Overrides::default())?;
        if let Some(token) = settings.gateway.auth.token.clone() {
            return Self::here(context, &settings, Some(token));
        }
        match login {
            Some(login) => {
                let mut endpoint = used(login)?;
                if let Some(pinned) = pinned(context)? {
                    endpoint.trust = pinned;
                }
                Ok(Self { endpoint, is_here: false })
            }
            None => {
                let token = std::fs::read_to_string(settings.state.gateway_token())
                    .ok()
                    .map(|text| Secret::new(text.trim()));
                Self::here(context, &settings, token)
            }
        }
    }

    /// The gateway of this machine.
    fn here(
        context: &Context,
        settings: &ClientSettings,
        token: Option<Secret>,
    ) -> Result<Self, Failure> {
        // A gateway that runs may have been told another place by a flag.
        let configured = SocketAddr::new(settings.gateway.bind_address, settings.gateway.port);
        let mut at = StateLock::listening(settings.state.root()).unwrap_or(configured);
        match at.ip() {
            // A gateway that listens everywhere is reached over loopback.
            IpAddr::V4(ip) if ip.is_unspecified() => at.set_ip(Ipv4Addr::LOCALHOST.into()),
            IpAddr::V6(ip) if ip.is_unspecified() => at.set_ip(Ipv6Addr::LOCALHOST.into()),
            IpAddr::V4(_) | IpAddr::V6(_) => {}
        }
        let shown = certificate_fingerprint(&settings.gateway, settings.state.root());
        let trust = match (pinned(context)?, shown) {
            (Some(pinned), _) => pinned,
            (None, Some(shown)) => Trust::Pinned(shown.parse().map_err(Failure::failed)?),
            (None, None) if settings.gateway.tls == TlsSettings::Off => Trust::Plain,
            (None, None) => Trust::Authorities,
        };
        let endpoint = Endpoint { address: at.to_string(), token, trust };
        Ok(Self { endpoint, is_here: true })
    }

    /// Where it is.
    pub(crate) fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// Whether it is the gateway of this machine and state folder.
    pub(crate) fn is_here(&self) -> bool {
        self.is_here
    }

    /// Connects once.
    pub(crate) async fn client(&self) -> Result<Client, Failure> {
        let (client, _events) = self.connect().await?;
        Ok(client)
    }
}

/// What `--gateway` names.
struct Given {
    address: String,
    scheme: Option<Scheme>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Scheme {
    Plain,
    Tls,
}

impl Given {
    fn read(context: &Context, text: &str) -> Result<Self, Failure> {
        let (address, scheme) = match text.split_once("://") {
            Some(("https" | "wss", address)) => (address, Some(Scheme::Tls)),
            Some(("http" | "ws", address)) => (address, Some(Scheme::Plain)),
            Some(_) => {
                return Err(Failure::usage("--gateway must be host:port, http://… or https://…"));
            }
            None => (text, context.fingerprint.is_some().then_some(Scheme::Tls)),
        };
        Ok(Self { address: address.trim_end_matches('/').to_owned(), scheme })
    }

    /// A gateway of which only the command line, and perhaps a login, knows.
    fn reach(self, context: &Context, kept: Option<Endpoint>) -> Result<Reach, Failure> {
        let trust = match (pinned(context)?, self.scheme, &kept) {
            (Some(pinned), _, _) => pinned,
            // Plain text was kept; TLS is asked for, and nothing is known of its certificate.
            (None, Some(Scheme::Tls), Some(kept)) if kept.trust == Trust::Plain => {
                Trust::Authorities
            }
            (None, _, Some(kept)) => kept.trust.clone(),
            (None, Some(Scheme::Tls), None) => Trust::Authorities,
            (None, Some(Scheme::Plain), None) => Trust::Plain,
            (None, None, None) if is_loopback(&self.address) => Trust::Plain,
            (None, None, None) => {
                let message = format!("{} is another machine: say how to talk to it", self.address);
                return Err(Failure::usage(message).with_hint(format!(
                    "--gateway https://{0}, or http://{0} through a tunnel that keeps secrets",
                    self.address
                )));
            }
        };
        if trust == Trust::Plain && !is_loopback(&self.address) {
            let text = format!("note: plain text to {}: others may read along", self.address);
            context.output.note(&text);
        }
        // What was kept was kept for this address; the environment may mean another one.
        let token = kept
            .and_then(|kept| kept.token)
            .or_else(|| context.environment.var("OPENCLAW_GATEWAY_TOKEN").map(Secret::new));
        let endpoint = Endpoint { address: self.address, token, trust };
        Ok(Reach { endpoint, is_here: false })
    }
}

/// What `--fingerprint` makes of whom to believe.
fn pinned(context: &Context) -> Result<Option<Trust>, Failure> {
    let read = |text: &String| {
        text.parse()
            .map(Trust::Pinned)
            .map_err(|wrong| Failure::usage(format!("--fingerprint {wrong}")))
    };
    context.fingerprint.as_ref().map(read).transpose()
}

fn is_loopback(address: &str) -> bool {
    let host = address.rsplit_once(':').map_or(address, |(host, _)| host);
    let host = host.trim_matches(['[', ']']);
    host.eq_ignore_ascii_case("localhost")
        || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[async_trait]
impl Connect for Reach {
    async fn connect(&self) -> Result<(Client, Events), ClientError> {
        let transport = connect_websocket(&self.endpoint).await?;
        Ok(Client::start(transport))
    }
}

#[cfg(test)]
mod tests {
    use super::Reach;
    use crate::context::Context;
    use crate::exit::{Failure, status};
    use crate::login_file::Login;
    use crate::output::Output;
    use openclaw_client::{Endpoint, Trust};
    use openclaw_config::Environment;
    use openclaw_core::{Clock as _, SystemClock, Timestamp};
    use std::time::Duration;
    use tempfile::TempDir;

    const PIN: &str = "abababababababababababababababababababababababababababababababab";

    struct Home(TempDir);

    impl Home {
        /// A state folder with a login of this trust at `there:1`.
        fn new(trust: Trust, expires_at: Option<Timestamp>) -> Self {
            let home = Self(tempfile::tempdir().expect("a folder"));
            let endpoint = Endpoint { address: "there:1".to_owned(), token: None, trust };
            let login = Login::new(&endpoint, "kept".to_owned(), expires_at);
            login.save(&home.context(None, None, &[]).paths()).expect("saved");
            home
        }

        fn context(
            &self,
            gateway: Option<&str>,
            fingerprint: Option<&str>,
            more: &[(&str, &str)],
        ) -> Context {
            let state = self.0.path().display().to_string();
            let variables = [("OPENCLAW_STATE_DIR", state.as_str())];
            let variables = variables.iter().chain(more);
            let owned = variables.map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
            Context {
                environment: Environment::new(owned, self.0.path(), self.0.path()),
                output: Output::new(false, true),
                verbose: 0,
                gateway: gateway.map(str::to_owned),
                fingerprint: fingerprint.map(str::to_owned),
            }
        }

        /// Where it leads: address, trust and token.
        fn found(
            &self,
            gateway: Option<&str>,
            fingerprint: Option<&str>,
            more: &[(&str, &str)],
        ) -> Result<(String, Trust, Option<String>), Failure> {
            let reach = Reach::find(&self.context(gateway, fingerprint, more))?;
            let Endpoint { address, token, trust } = reach.endpoint().clone();
            Ok((address, trust, token.map(|token| token.expose().to_owned())))
        }
    }

    fn kept(trust: Trust) -> (String, Trust, Option<String>) {
        ("there:1".to_owned(), trust, Some("kept".to_owned()))
    }

    #[test]
    fn an_expired_login_is_told_and_never_another_gateway_taken() {
        let past = SystemClock.now().minus(Duration::from_secs(1));
        let home = Home::new(Trust::Plain, Some(past));
        for gateway in [None, Some("http://there:1")] {
            let failure = home.found(gateway, None, &[]).expect_err("expired");
            assert_eq!(failure.status, status::REFUSED);
            assert_eq!(failure.message, format!("the login at there:1 expired at {past}"));
            let place = Reach::place(&home.context(gateway, None, &[])).expect("a place");
            assert_eq!(place.endpoint().address, "there:1");
            assert!(place.endpoint().token.is_none());
        }
        let (address, ..) = home.found(Some("http://other:1"), None, &[]).expect("another one");
        assert_eq!(address, "other:1");
        let lasting = Home::new(Trust::Plain, Some(past.plus(Duration::from_secs(3_600))));
        assert_eq!(lasting.found(None, None, &[]).expect("kept"), kept(Trust::Plain));
    }

    #[test]
    fn tls_that_is_asked_for_is_spoken() {
        let home = Home::new(Trust::Plain, None);
        let found = |gateway| home.found(Some(gateway), None, &[]);
        assert_eq!(found("https://there:1").expect("found"), kept(Trust::Authorities));
        assert_eq!(found("there:1").expect("found"), kept(Trust::Plain));
        assert_eq!(found("other:1").expect_err("plain text").status, status::USAGE);
        assert_eq!(found("https://other:1").expect("found").1, Trust::Authorities);
        assert_eq!(found("http://other:1").expect("found").1, Trust::Plain);
        for near in ["127.0.0.1:1", "localhost:1", "[::1]:1"] {
            assert_eq!(found(near).expect("found").1, Trust::Plain, "{near}");
        }
        let pinned = Home::new(Trust::Pinned(PIN.parse().expect("valid")), None);
        for scheme in ["http://there:1", "there:1", "https://there:1"] {
            let (_, trust, _) = pinned.found(Some(scheme), None, &[]).expect("found");
            assert_eq!(trust, Trust::Pinned(PIN.parse().expect("valid")), "{scheme}");
        }
    }

    #[test]
    fn a_fingerprint_that_is_given_counts_for_a_kept_login_too() {
        let home = Home::new(Trust::Authorities, None);
        let pinned = kept(Trust::Pinned(PIN.parse().expect("valid")));
        assert_eq!(home.found(None, Some(PIN), &[]).expect("found"), pinned);
        assert_eq!(home.found(Some("there:1"), Some(PIN), &[]).expect("found"), pinned);
        assert_eq!(home.found(None, Some("12"), &[]).expect_err("garbled").status, status::USAGE);
    }

    #[test]
    fn a_kept_login_goes_to_its_own_gateway_and_the_token_of_the_environment_to_others() {
        let home = Home::new(Trust::Authorities, None);
        let token = [("OPENCLAW_GATEWAY_TOKEN", "a token of this environment")];
        let found = |gateway| home.found(gateway, None, &token).expect("found");
        assert_eq!(found(Some("https://there:1")), kept(Trust::Authorities));
        let (_, _, other) = found(Some("https://other:1"));
        assert_eq!(other.as_deref(), Some(token[0].1));
        let reach = Reach::find(&home.context(None, None, &token)).expect("found");
        assert!(reach.is_here());
        let reach = Reach::find(&home.context(None, None, &[])).expect("found");
        assert!(!reach.is_here(), "a login is another gateway's");
    }
}
