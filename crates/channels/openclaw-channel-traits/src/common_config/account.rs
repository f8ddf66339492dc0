use openclaw_config::TableReader;
use openclaw_core::{ChannelId, ChannelKind};

use super::Fingerprint;
use super::level::Level;
use crate::{AccessPolicy, BaseUrl};

/// The keys of one service, as they are set at one level of its table.
pub trait ServiceKeys: Sized {
    /// The key without which there is no account, such as `token`.
    const CREDENTIAL: &'static str;

    /// Reads the keys; all of them are optional at either level.
    fn read(reader: &mut TableReader<'_>) -> Self;

    /// Whether the credential is set.
    fn has_credential(&self) -> bool;

    /// What holds for an account: what it does not set is taken from above, except its credential:
    /// two accounts with one credential would take each other's messages.
    #[must_use]
    fn over(self, above: &Self) -> Self;
}

/// The common settings of one account.
#[derive(Debug, Clone)]
pub struct CommonSettings {
    /// Whether it is to run.
    pub enabled: bool,
    /// The service's API root; `None` is the service's own.
    pub base_url: Option<BaseUrl>,
    /// Who may talk to it.
    pub access: AccessPolicy,
    /// `text_limit`.
    pub text_limit: Option<usize>,
    /// `media_max_mb` in bytes.
    pub media_max_bytes: Option<u64>,
}

impl CommonSettings {
    fn of(level: &Level) -> Self {
        Self {
            enabled: level.enabled.unwrap_or(true),
            base_url: level.base_url.clone(),
            access: level.access(),
            text_limit: level.text_limit,
            media_max_bytes: level.media_max_bytes,
        }
    }

    /// Begins the fingerprint of the account; the channel adds its own settings.
    pub fn fingerprint(&self) -> Fingerprint {
        Fingerprint::new()
            .field("enabled", self.enabled)
            .field("base_url", self.base_url.as_ref().map_or("", BaseUrl::as_str))
            .field("text_limit", format_args!("{:?}", self.text_limit))
            .field("media_max_bytes", format_args!("{:?}", self.media_max_bytes))
    }
}

/// One account of a table.
#[derive(Debug)]
pub struct AccountKeys<K> {
    /// The id.
    pub channel_id: ChannelId,
    /// The settings every channel has.
    pub common: CommonSettings,
    /// The settings of the service.
    pub service: K,
}

/// Reads the accounts of a table, the default account first.
///
/// The default account exists where the credential stands at the top, or in `accounts.default`. A
/// table without any account is an issue, unless it is disabled.
pub fn read_accounts<K: ServiceKeys>(
    reader: &mut TableReader<'_>,
    kind: &ChannelKind,
) -> Vec<AccountKeys<K>> {
    let top = Level::read(reader, kind);
    let top_keys = K::read(reader);
    let top_enabled = top.enabled.unwrap_or(true);
    let description = "Further accounts by name; what one does not set is taken from above, except \
                       its credential.";
    let named = reader.map("accounts", description, |_, reader| {
        let level = Level::read(reader, kind);
        let keys = K::read(reader);
        if !keys.has_credential() && !is_credential_set::<K>(reader) {
            reader.issue(K::CREDENTIAL, "is missing; every account has its own");
        }
        (level, keys)
    });

    let mut accounts = Vec::with_capacity(named.len() + 1);
    let credential_at_top = top_keys.has_credential();
    if !credential_at_top && named.is_empty() && top_enabled && !is_credential_set::<K>(reader) {
        reader.issue(K::CREDENTIAL, "is missing");
    }
    let mut others = Vec::with_capacity(named.len());
    for (name, (level, keys)) in named {
        let is_default = name == "default";
        if is_default && credential_at_top {
            let message = format!("{} stands above too: keep either", K::CREDENTIAL);
            reader.issue("accounts", format!("account default: {message}"));
            continue;
        }
        let channel_id = if is_default {
            ChannelId::of_kind(kind)
        } else {
            match ChannelId::of_account(kind, &name) {
                Ok(channel_id) => channel_id,
                Err(error) => {
                    reader.issue("accounts", format!("the name of an account: {error}"));
                    continue;
                }
            }
        };
        let mut common = CommonSettings::of(&level.over(&top));
        common.enabled &= top_enabled;
        let account = AccountKeys { channel_id, common, service: keys.over(&top_keys) };
        if is_default { accounts.push(account) } else { others.push(account) }
    }
    if credential_at_top {
        let (channel_id, common) = (ChannelId::of_kind(kind), CommonSettings::of(&top));
        accounts.insert(0, AccountKeys { channel_id, common, service: top_keys });
    }
    accounts.append(&mut others);
    accounts
}

// A credential that is set and cannot be read is an issue of its own.
fn is_credential_set<K: ServiceKeys>(reader: &TableReader<'_>) -> bool {
    reader.is_set(K::CREDENTIAL) || reader.is_set(&format!("{}_file", K::CREDENTIAL))
}
