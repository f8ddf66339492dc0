use std::time::Duration;

use clap::{Args, Subcommand};
use openclaw_client::{Client, ClientError, Connect as _};
use openclaw_core::{Clock as _, SystemClock};
use openclaw_gateway::auth::{Credentials, NewKey, Principal};
use openclaw_protocol::methods::{
    ApiKey, IssuedKey, KeyParams, KeysCreate, KeysCreateParams, KeysList, KeysListResult,
    KeysRevoke, KeysRotate, KeysRotateSigning, NoParams, SigningKey,
};
use openclaw_protocol::{Scope, ScopeSet};
use serde::Serialize;

use super::client;
use crate::compose::with_credentials;
use crate::context::Context;
use crate::exit::Failure;
use crate::output::{one_line, table};
use crate::reach::Reach;

#[derive(Debug, Subcommand)]
pub(crate) enum KeysCommand {
    /// Make an API key; it is shown this once.
    Create(CreateArguments),
    /// List the keys: what they may do, and when they were last used.
    List,
    /// End a key and everything that signed in with it.
    Revoke(KeyArguments),
    /// Give a key another secret; the old one ends at once.
    Rotate(RotateArguments),
}

#[derive(Debug, Args)]
pub(crate) struct CreateArguments {
    /// What it is called.
    name: String,
    /// What it may do: read, write, admin, approvals or pairing; may be given several times.
    #[arg(long = "scope", value_parser = parse_scope, required = true, value_delimiter = ',')]
    scopes: Vec<Scope>,
    /// For how long it works, such as 90d, 12h or 30m; without it until it is revoked.
    #[arg(long, value_parser = parse_duration)]
    expires_in: Option<Duration>,
}

#[derive(Debug, Args)]
pub(crate) struct KeyArguments {
    /// The key's id or name.
    key: String,
}

#[derive(Debug, Args)]
pub(crate) struct RotateArguments {
    /// The key's id or name.
    #[arg(required_unless_present = "signing")]
    key: Option<String>,
    /// Rotate the key that signs access tokens instead; tokens of the old one still expire in peace.
    #[arg(long, conflicts_with = "key")]
    signing: bool,
}

/// What a command answers.
#[derive(Debug, Serialize)]
#[serde(untagged)]
enum Answer {
    Issued(IssuedKey),
    Listed(KeysListResult),
    Revoked(ApiKey),
    Signing(SigningKey),
}

/// Asks the gateway; where none runs, works on the state folder itself, so that the first key can be
/// made before the first start.
pub(crate) fn run(context: &Context, command: &KeysCommand) -> Result<(), Failure> {
    let asked = client(context, async {
        let reach = Reach::find(context)?;
        match reach.connect().await {
            Ok((client, _events)) => ask(&client, command).await.map(Some),
            // What was meant for another machine's gateway is not done to this one's.
            Err(ClientError::Unreachable { .. }) if reach.is_here() => Ok(None),
            Err(error) => Err(error.into()),
        }
    })?;
    let answer = match asked {
        Some(answer) => answer,
        None => with_credentials(context, async |credentials| work(credentials, command).await)?,
    };
    context.output.result(&answer, || human(&answer))
}

async fn ask(client: &Client, command: &KeysCommand) -> Result<Answer, Failure> {
    Ok(match command {
        KeysCommand::Create(arguments) => {
            let params = KeysCreateParams {
                name: arguments.name.clone(),
                scopes: scopes(arguments),
                expires_in_ms: arguments
                    .expires_in
                    .map(|time| u64::try_from(time.as_millis()).unwrap_or(u64::MAX)),
            };
            Answer::Issued(client.call::<KeysCreate>(&params).await?)
        }
        KeysCommand::List => Answer::Listed(client.call::<KeysList>(&NoParams {}).await?),
        KeysCommand::Revoke(arguments) => {
            let params = KeyParams { id: arguments.key.clone() };
            Answer::Revoked(client.call::<KeysRevoke>(&params).await?)
        }
        KeysCommand::Rotate(RotateArguments { key: Some(key), .. }) => {
            Answer::Issued(client.call::<KeysRotate>(&KeyParams { id: key.clone() }).await?)
        }
        KeysCommand::Rotate(_) => {
            Answer::Signing(client.call::<KeysRotateSigning>(&NoParams {}).await?)
        }
    })
}

async fn work(credentials: &Credentials, command: &KeysCommand) -> Result<Answer, Failure> {
    let owner = Principal::owner();
    Ok(match command {
        KeysCommand::Create(arguments) => {
            let new = NewKey {
                name: arguments.name.clone(),
                scopes: scopes(arguments),
                expires_in: arguments.expires_in,
            };
            Answer::Issued(credentials.create_key(new, &owner).await?)
        }
        KeysCommand::List => Answer::Listed(KeysListResult { keys: credentials.list_keys() }),
        KeysCommand::Revoke(arguments) => {
            Answer::Revoked(credentials.revoke_key(&arguments.key).await?)
        }
        KeysCommand::Rotate(RotateArguments { key: Some(key), .. }) => {
            Answer::Issued(credentials.rotate_key(key, &owner).await?)
        }
        KeysCommand::Rotate(_) => Answer::Signing(credentials.rotate_signing_key().await?),
    })
}

fn scopes(arguments: &CreateArguments) -> ScopeSet {
    arguments.scopes.iter().copied().collect()
}

fn human(answer: &Answer) -> String {
    match answer {
        Answer::Issued(issued) => format!(
            "{}\n\nThis is the only time the key is shown. It is called {}, id {}, and may do: {}.",
            issued.key,
            one_line(&issued.info.name, 64),
            issued.info.id,
            words(issued.info.scopes)
        ),
        Answer::Listed(listed) => list(&listed.keys),
        Answer::Revoked(key) => {
            format!("{} ({}) is revoked", one_line(&key.name, 64), key.id)
        }
        Answer::Signing(key) => match key.earlier_until {
            Some(until) => format!(
                "access tokens are signed with key {} now; earlier ones count until {until}",
                key.id
            ),
            None => format!("access tokens are signed with key {} now", key.id),
        },
    }
}

fn list(keys: &[ApiKey]) -> String {
    if keys.is_empty() {
        return "there are no keys yet: `openclaw keys create <name> --scope read`\n".to_owned();
    }
    let now = SystemClock.now();
    let rows: Vec<Vec<String>> = keys
        .iter()
        .map(|key| {
            let standing = match (key.revoked_at, key.expires_at) {
                (Some(at), _) => format!("revoked {at}"),
                (None, Some(at)) if at <= now => format!("expired {at}"),
                (None, Some(at)) => format!("until {at}"),
                (None, None) => "works".to_owned(),
            };
            let used = key.last_used_at.map_or_else(|| "never".to_owned(), |at| at.to_string());
            vec![key.id.clone(), one_line(&key.name, 40), words(key.scopes), used, standing]
        })
        .collect();
    table(&["ID", "NAME", "SCOPES", "LAST USED", "STANDING"], &rows)
}

fn words(scopes: ScopeSet) -> String {
    let words: Vec<&str> =
        scopes.iter().map(|scope| scope.as_str().trim_start_matches("operator.")).collect();
    words.join(", ")
}

fn parse_scope(text: &str) -> Result<Scope, String> {
    let name = text.strip_prefix("operator.").unwrap_or(text);
    Scope::ALL
        .into_iter()
        .find(|scope| scope.as_str().strip_prefix("operator.") == Some(name))
        .ok_or_else(|| "must be read, write, admin, approvals or pairing".to_owned())
}

fn parse_duration(text: &str) -> Result<Duration, String> {
    let wrong = || "must be a number with s, m, h, d or w, such as 90d".to_owned();
    let unit = text.chars().last().ok_or_else(wrong)?;
    let seconds: u64 = match unit {
        's' => 1,
        'm' => 60,
        'h' => 3_600,
        'd' => 86_400,
        'w' => 604_800,
        _ => return Err(wrong()),
    };
    let count: u64 = text[..text.len() - unit.len_utf8()].parse().map_err(|_| wrong())?;
    let most = 100 * 365 * 86_400;
    match count.checked_mul(seconds) {
        Some(seconds) if (1..=most).contains(&seconds) => Ok(Duration::from_secs(seconds)),
        _ => Err("must be between a second and a hundred years".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::{parse_duration, parse_scope};
    use openclaw_protocol::Scope;
    use std::time::Duration;

    #[test]
    fn durations_and_scopes_as_people_write_them() {
        assert_eq!(parse_duration("90d"), Ok(Duration::from_secs(90 * 86_400)));
        assert_eq!(parse_duration("1s"), Ok(Duration::from_secs(1)));
        for wrong in ["", "d", "90", "0d", "-1d", "1.5h", "9999999w", "1ü", "18446744073709551615w"]
        {
            assert!(parse_duration(wrong).is_err(), "{wrong}");
        }
        assert_eq!(parse_scope("read"), Ok(Scope::Read));
        assert_eq!(parse_scope("operator.admin"), Ok(Scope::Admin));
        assert!(parse_scope("root").is_err());
    }
}
