use clap::Args;
use openclaw_client::{Client, connect_websocket};
use openclaw_config::{Overrides, load_client};
use openclaw_protocol::methods::{Authenticate, AuthenticateParams, AuthenticateResult};

use super::client;
use crate::context::Context;
use crate::exit::Failure;
use crate::login_file::Login;
use crate::reach::Reach;
use crate::secret_input::ask;

#[derive(Debug, Args)]
pub(crate) struct LoginArguments {
    /// Sign in with an API key instead of the password.
    #[arg(long)]
    api_key: bool,
    /// Sign in with the gateway token instead of the password.
    #[arg(long, conflicts_with = "api_key")]
    token: bool,
}

/// Signs in to a gateway, perhaps on another machine, and keeps what later commands sign in with: the
/// key or token itself, or the access token that the password gave.
pub(crate) fn run(context: &Context, arguments: &LoginArguments) -> Result<(), Failure> {
    let reach = Reach::place(context)?;
    let (question, is_password) = match arguments {
        LoginArguments { api_key: true, .. } => ("API key: ", false),
        LoginArguments { token: true, .. } => ("Gateway token: ", false),
        _ => ("Password: ", true),
    };
    let secret = ask(context, question)?;
    let given = Some(secret.expose().to_owned());
    let params = match arguments {
        LoginArguments { api_key: true, .. } => {
            AuthenticateParams { api_key: given, ..AuthenticateParams::default() }
        }
        LoginArguments { token: true, .. } => {
            AuthenticateParams { token: given, ..AuthenticateParams::default() }
        }
        _ => AuthenticateParams { password: given, ..AuthenticateParams::default() },
    };
    let signed_in = client(context, async {
        let (client, _events) = Client::start(connect_websocket(reach.endpoint()).await?);
        let signed_in = client.call::<Authenticate>(&params).await?;
        client.close().await;
        Ok(signed_in)
    })?;
    let credential = match (&signed_in.access_token, is_password) {
        (Some(token), true) => token.clone(),
        (None, true) => return Err(Failure::failed("the gateway gave no access token")),
        (_, false) => secret.expose().to_owned(),
    };
    let expires_at = if is_password { signed_in.expires_at } else { None };
    Login::new(reach.endpoint(), credential, expires_at).save(&context.paths())?;
    warn_of_owners_token(context, &reach.endpoint().address);
    // The token belongs into the file alone.
    let shown = AuthenticateResult { access_token: None, ..signed_in };
    context.output.result(&shown, || {
        let until = expires_at.map(|at| format!(" until {at}")).unwrap_or_default();
        format!("signed in at {} as {}{until}", reach.endpoint().address, shown.principal)
    })
}

/// A token that the owner set leads to this machine's gateway, and so past the login.
fn warn_of_owners_token(context: &Context, address: &str) {
    let from = if context.environment.var("OPENCLAW_GATEWAY_TOKEN").is_some() {
        "OPENCLAW_GATEWAY_TOKEN"
    } else {
        let settings = load_client(&context.environment, Overrides::default());
        // A configuration that cannot be read is told by the commands that need it.
        if !settings.is_ok_and(|settings| settings.gateway.auth.token.is_some()) {
            return;
        }
        "gateway.auth.token"
    };
    context.output.note(&format!(
        "note: {from} goes before this login; it counts with `--gateway {address}`, or once that is gone"
    ));
}

/// Forgets what `login` kept.
pub(crate) fn forget(context: &Context) -> Result<(), Failure> {
    let was_there = Login::remove(&context.paths())?;
    context.output.result(&serde_json::json!({ "signed_out": was_there }), || {
        if was_there { "signed out" } else { "nobody was signed in" }.to_owned()
    })
}
