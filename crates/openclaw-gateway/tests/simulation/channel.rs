use std::sync::Arc;

use async_trait::async_trait;
use openclaw_channel_traits::{
    AccessPolicy, Channel, ChannelAccount, ChannelBuilder, ChannelContext, ChannelDescriptor,
    ChannelError, ChannelFactory, ChannelTable, DeliveryError, DmPolicy, Found, GroupPolicy, Issue,
    LengthUnit, Lookup, MarkupDialect, MediaStore, ParsedChannel,
};
use openclaw_core::{ChannelKind, Clock, Outbound, Receipt};

use crate::plan::Plan;
use crate::service::{Service, channel_id};

/// The channel to the simulated service; also its own factory and builder.
#[derive(Debug, Clone)]
pub(crate) struct FakeChannel {
    service: Arc<Service>,
    descriptor: ChannelDescriptor,
}

pub(crate) fn kind() -> ChannelKind {
    channel_id().kind()
}

impl FakeChannel {
    pub(crate) fn new(service: Arc<Service>, plan: Plan) -> Self {
        let descriptor = ChannelDescriptor {
            kind: kind(),
            name: "Fake",
            markup: MarkupDialect::Plain,
            text_limit: 4_000,
            caption_limit: 1_000,
            length_unit: LengthUnit::Chars,
            media_limit_bytes: 0,
            edits: true,
            streams_by_edit: plan.streams,
            edit_interval_ms: 500,
            deletes: false,
            reactions: false,
            threads: false,
            polls: false,
            typing: true,
            buttons: false,
            groups: true,
            delivers_by_commit: false,
            reconcile: plan.reconcile,
        };
        Self { service, descriptor }
    }
}

#[async_trait]
impl Channel for FakeChannel {
    fn descriptor(&self) -> &ChannelDescriptor {
        &self.descriptor
    }

    async fn run(self: Arc<Self>, context: ChannelContext) -> Result<(), ChannelError> {
        self.service.clone().serve(context).await
    }

    async fn deliver(&self, outbound: Outbound) -> Result<Receipt, DeliveryError> {
        self.service.take(outbound).await
    }

    async fn lookup(&self, lookup: Lookup) -> Result<Found, DeliveryError> {
        self.service.look_up(lookup).await
    }
}

impl ChannelBuilder for FakeChannel {
    fn build(&self, _: Arc<dyn Clock>, _: Arc<MediaStore>) -> Arc<dyn Channel> {
        Arc::new(self.clone())
    }
}

impl ChannelFactory for FakeChannel {
    fn kind(&self) -> ChannelKind {
        kind()
    }

    fn descriptor(&self) -> &ChannelDescriptor {
        &self.descriptor
    }

    fn schema(&self) -> serde_json::Value {
        serde_json::json!({ "type": "object" })
    }

    fn parse(&self, table: &ChannelTable) -> Result<ParsedChannel, Vec<Issue>> {
        let account = ChannelAccount {
            channel_id: channel_id(),
            enabled: table.enabled,
            access: AccessPolicy {
                dm_policy: DmPolicy::Open,
                allow_from: Vec::new(),
                group_policy: GroupPolicy::Open,
                groups: std::collections::BTreeMap::new(),
                require_mention: true,
            },
            text_limit: None,
            fingerprint: String::new(),
            builder: Box::new(self.clone()),
        };
        Ok(ParsedChannel { accounts: vec![account] })
    }
}
