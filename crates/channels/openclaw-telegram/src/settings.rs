use std::fmt;
use std::time::Duration;

use openclaw_channel_traits::BaseUrl;
use openclaw_core::Secret;

/// The settings of one bot.
#[derive(Clone)]
pub struct TelegramSettings {
    /// The token that BotFather gave.
    pub token: Secret,
    /// The root of the Bot API; `None` is Telegram's own.
    pub base_url: Option<BaseUrl>,
    /// The largest file, both ways; `None` is what Telegram allows.
    pub media_max_bytes: Option<u64>,
    /// How long things may take.
    pub limits: TimeLimits,
}

impl fmt::Debug for TelegramSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TelegramSettings")
            .field("base_url", &self.base_url)
            .field("media_max_bytes", &self.media_max_bytes)
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}

/// How long things may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimeLimits {
    /// One delivery with all its calls.
    pub delivery: Duration,
    /// One call without a file.
    pub call: Duration,
    /// How long the service may hold a poll without an update.
    pub poll: Duration,
    /// How much longer than that its answer may take.
    pub poll_grace: Duration,
    /// One download with all its tries.
    pub download: Duration,
    /// How long a store that cannot take more is asked again before the connection is given up.
    pub busy: Duration,
}

impl Default for TimeLimits {
    fn default() -> Self {
        Self {
            delivery: Duration::from_secs(58),
            call: Duration::from_secs(20),
            poll: Duration::from_secs(30),
            poll_grace: Duration::from_secs(15),
            download: Duration::from_secs(60),
            busy: Duration::from_secs(60),
        }
    }
}
