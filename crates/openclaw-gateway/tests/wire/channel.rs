use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use openclaw_channel_traits::{
    AccessPolicy, Channel, ChannelAccount, ChannelBuilder, ChannelContext, ChannelDescriptor,
    ChannelError, ChannelFactory, ChannelState, ChannelTable, DeliveryError, DmPolicy, Found,
    GroupPolicy, Issue, LengthUnit, Lookup, MarkupDialect, MediaStore, ParsedChannel, Reconcile,
    StatusReport,
};
use openclaw_core::{ChannelId, ChannelKind, Clock, Outbound, Receipt};

/// A channel that is always there: `web`, whose commit is the delivery, or `fake`, which refuses all.
#[derive(Debug, Clone)]
pub(crate) struct FakeChannel(pub(crate) ChannelDescriptor);

impl FakeChannel {
    pub(crate) fn new(kind: &str, delivers_by_commit: bool) -> Self {
        Self(ChannelDescriptor {
            kind: ChannelKind::new(kind).expect("valid"),
            name: "Fake",
            markup: MarkupDialect::Markdown,
            text_limit: 4_000,
            caption_limit: 1_000,
            length_unit: LengthUnit::Chars,
            media_limit_bytes: 1 << 20,
            edits: false,
            streams_by_edit: false,
            edit_interval_ms: 1_000,
            deletes: false,
            reactions: false,
            threads: false,
            polls: true,
            typing: false,
            buttons: false,
            groups: true,
            delivers_by_commit,
            reconcile: Reconcile::Neither,
        })
    }
}

#[async_trait]
impl Channel for FakeChannel {
    fn descriptor(&self) -> &ChannelDescriptor {
        &self.0
    }

    async fn run(self: Arc<Self>, context: ChannelContext) -> Result<(), ChannelError> {
        context.status.report(StatusReport {
            state: ChannelState::Connected,
            account: Some("@fake".to_owned()),
            detail: None,
        });
        context.cancel.cancelled().await;
        Ok(())
    }

    async fn deliver(&self, _: Outbound) -> Result<Receipt, DeliveryError> {
        Err(DeliveryError::Refused("nobody is there".to_owned()))
    }

    async fn lookup(&self, _: Lookup) -> Result<Found, DeliveryError> {
        Ok(Found::Account("@fake".to_owned()))
    }
}

impl ChannelBuilder for FakeChannel {
    fn build(&self, _: Arc<dyn Clock>, _: Arc<MediaStore>) -> Arc<dyn Channel> {
        Arc::new(self.clone())
    }
}

impl ChannelFactory for FakeChannel {
    fn kind(&self) -> ChannelKind {
        self.0.kind.clone()
    }

    fn descriptor(&self) -> &ChannelDescriptor {
        &self.0
    }

    fn schema(&self) -> serde_json::Value {
        serde_json::json!({ "type": "object" })
    }

    fn parse(&self, table: &ChannelTable) -> Result<ParsedChannel, Vec<Issue>> {
        let account = ChannelAccount {
            channel_id: ChannelId::of_kind(&self.0.kind),
            enabled: table.enabled,
            access: AccessPolicy {
                dm_policy: DmPolicy::Open,
                allow_from: Vec::new(),
                group_policy: GroupPolicy::Open,
                groups: BTreeMap::new(),
                require_mention: true,
            },
            text_limit: None,
            fingerprint: String::new(),
            builder: Box::new(self.clone()),
        };
        Ok(ParsedChannel { accounts: vec![account] })
    }
}
