use openclaw_config::{Editor, LoadRequest, config_file};
use openclaw_core::{SystemClock, SystemRng};
use openclaw_gateway::auth::hash_password;
use serde_json::json;

use crate::compose::Channels;
use crate::context::Context;
use crate::exit::Failure;
use crate::secret_input::ask;

/// Asks for a password and writes its hash to the configuration; a running gateway takes it over,
/// and what signed in with the old one ends.
pub(super) fn set(context: &Context) -> Result<(), Failure> {
    let password = ask(context, "New password: ")?;
    let hash = hash_password(&password, &SystemRng)?;
    let channels = Channels::all();
    let mut editor = Editor::open(&context.environment).map_err(failed)?;
    // Nothing in a hash needs escaping in TOML's literal strings.
    editor.set("gateway.auth.password_hash", &format!("'{hash}'")).map_err(failed)?;
    let request = LoadRequest::new(&context.environment, &channels);
    editor.commit(&request, "gateway set-password", &SystemClock).map_err(failed)?;
    let file = config_file(&context.environment);
    context.output.result(&json!({ "file": file }), || {
        format!("the password's hash is in {}; sign in with `openclaw login`", file.display())
    })
}

fn failed(error: openclaw_config::EditError) -> Failure {
    openclaw_errors::OpenClawError::from(error).into()
}
