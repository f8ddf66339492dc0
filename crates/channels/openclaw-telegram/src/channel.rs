use std::fmt;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use async_trait::async_trait;
use openclaw_channel_traits::{
    Channel, ChannelContext, ChannelDescriptor, ChannelError, DeliveryError, Found, Lookup,
    MediaStore,
};
use openclaw_core::{Clock, Outbound, Receipt};

use crate::api::{Api, Client};
use crate::deliver::Deliverer;
use crate::descriptor::{DOWNLOAD_LIMIT, UPLOAD_LIMIT, descriptor};
use crate::download::Downloader;
use crate::poll::Poll;
use crate::{TelegramSettings, lookup};

/// One bot.
pub struct TelegramChannel {
    settings: TelegramSettings,
    api: Api,
    calls: Client,
    deliverer: Deliverer,
    unreadable: AtomicU64,
}

impl fmt::Debug for TelegramChannel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TelegramChannel").field("settings", &self.settings).finish_non_exhaustive()
    }
}

impl TelegramChannel {
    /// A bot with these settings; nothing is connected yet.
    pub fn new(settings: TelegramSettings, clock: Arc<dyn Clock>, media: Arc<MediaStore>) -> Self {
        let api = Api::new(&settings);
        let calls = api.client(settings.limits.call);
        let deliverer = Deliverer::new(
            calls.clone(),
            api.client(settings.limits.delivery),
            clock,
            media,
            settings.media_max_bytes.unwrap_or(UPLOAD_LIMIT),
        );
        Self { settings, api, calls, deliverer, unreadable: AtomicU64::new(0) }
    }
}

#[async_trait]
impl Channel for TelegramChannel {
    fn descriptor(&self) -> &ChannelDescriptor {
        descriptor()
    }

    async fn run(self: Arc<Self>, context: ChannelContext) -> Result<(), ChannelError> {
        let limits = self.settings.limits;
        let media_limit = self.settings.media_max_bytes.unwrap_or(DOWNLOAD_LIMIT);
        let poll = Poll {
            context: &context,
            calls: &self.calls,
            // Fresh connections for every run: the old ones may be what failed.
            polls: self.api.client(limits.poll + limits.poll_grace),
            downloader: Downloader::new(
                self.api.client(limits.download),
                Arc::clone(&context.media),
                media_limit,
                limits.download,
            ),
            limits,
            unreadable: &self.unreadable,
        };
        tokio::select! {
            biased;
            // What was handed in and not confirmed comes again and is known then.
            () = context.cancel.cancelled() => Ok(()),
            ended = poll.serve() => ended,
        }
    }

    async fn deliver(&self, outbound: Outbound) -> Result<Receipt, DeliveryError> {
        let limit = self.settings.limits.delivery;
        match tokio::time::timeout(limit, self.deliverer.deliver(&outbound)).await {
            Ok(result) => result,
            Err(_) => Err(DeliveryError::Unknown(format!("no answer within {}s", limit.as_secs()))),
        }
    }

    async fn lookup(&self, lookup: Lookup) -> Result<Found, DeliveryError> {
        lookup::look_up(&self.calls, lookup).await
    }
}
