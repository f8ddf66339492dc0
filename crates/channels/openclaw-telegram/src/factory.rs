use std::sync::Arc;

use openclaw_channel_traits::common_config::{AccountKeys, ServiceKeys, read_accounts};
use openclaw_channel_traits::{
    Channel, ChannelAccount, ChannelBuilder, ChannelDescriptor, ChannelFactory, ChannelTable,
    Issue, MediaStore, ParsedChannel, TableReader, describe,
};
use openclaw_core::{ChannelKind, Clock, Secret};
use serde_json::Value;

use crate::descriptor::{descriptor, kind};
use crate::{TelegramChannel, TelegramSettings, TimeLimits};

/// Makes the bots of `[channels.telegram]`.
#[derive(Debug, Clone, Copy, Default)]
pub struct TelegramFactory;

/// `token`; everything else is common to all channels.
struct Keys {
    token: Option<Secret>,
}

impl ServiceKeys for Keys {
    const CREDENTIAL: &'static str = "token";

    fn read(reader: &mut TableReader<'_>) -> Self {
        Self { token: reader.secret("token", "The token of the bot, from @BotFather.") }
    }

    fn has_credential(&self) -> bool {
        self.token.is_some()
    }

    fn over(self, _above: &Self) -> Self {
        self
    }
}

impl ChannelFactory for TelegramFactory {
    fn kind(&self) -> ChannelKind {
        kind()
    }

    fn descriptor(&self) -> &ChannelDescriptor {
        descriptor()
    }

    fn schema(&self) -> Value {
        describe(|reader| read_accounts::<Keys>(reader, &kind()))
    }

    fn parse(&self, table: &ChannelTable) -> Result<ParsedChannel, Vec<Issue>> {
        let accounts = table.read(|reader| read_accounts::<Keys>(reader, &kind()))?;
        Ok(ParsedChannel { accounts: accounts.into_iter().filter_map(account).collect() })
    }
}

fn account(account: AccountKeys<Keys>) -> Option<ChannelAccount> {
    let AccountKeys { channel_id, common, service } = account;
    let token = service.token?;
    let fingerprint = common.fingerprint().secret("token", &token).finish();
    let settings = TelegramSettings {
        token,
        base_url: common.base_url,
        media_max_bytes: common.media_max_bytes,
        limits: TimeLimits::default(),
    };
    Some(ChannelAccount {
        channel_id,
        enabled: common.enabled,
        access: common.access,
        text_limit: common.text_limit,
        fingerprint,
        builder: Box::new(Builder { settings }),
    })
}

#[derive(Debug)]
struct Builder {
    settings: TelegramSettings,
}

impl ChannelBuilder for Builder {
    fn build(&self, clock: Arc<dyn Clock>, media: Arc<MediaStore>) -> Arc<dyn Channel> {
        Arc::new(TelegramChannel::new(self.settings.clone(), clock, media))
    }
}
