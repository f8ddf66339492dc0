use std::sync::{Arc, Mutex, RwLock};

use async_trait::async_trait;
use openclaw_channel_traits::{Accept, BotLoopGuard, DenyReason, Ingress};
use openclaw_config::Config;
use openclaw_core::{
    ChannelId, ChatId, ChatKind, Clock, GroupActivation, IdGen, Inbound, InboundKind, Rng,
    SessionKey,
};
use openclaw_routing::RoutingTable;
use openclaw_sessions::{Lanes, TurnRunner};
use openclaw_storage::{Batch, Storage, StorageError, Write};
use openclaw_tools::approvals::Approvals;
use tokio::sync::watch;

use super::access::Admission;
use super::backlog::BacklogGate;
use super::scrub::scrub;
use super::store::Stored;
use crate::channels::ChannelRegistry;

/// What ingress is made of.
#[derive(Debug)]
pub struct IngressDeps {
    /// The store.
    pub storage: Arc<dyn Storage>,
    /// The channels, for their access policies.
    pub channels: Arc<ChannelRegistry>,
    /// The lanes to wake.
    pub lanes: Lanes,
    /// What says that no turn can run.
    pub runner: Arc<dyn TurnRunner>,
    /// Who is asked before commands run; `None` where no tool asks.
    pub approvals: Option<Arc<Approvals>>,
    /// The configuration.
    pub config: watch::Receiver<Arc<Config>>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Fresh ids.
    pub ids: Arc<dyn IdGen>,
    /// Randomness for pairing codes.
    pub rng: Arc<dyn Rng>,
    /// The owner's time zone, for daily resets.
    pub time_zone: jiff::tz::TimeZone,
}

/// The one way in.
#[derive(Debug)]
pub struct GatewayIngress {
    pub(super) deps: IngressDeps,
    pub(super) routing: RwLock<Arc<RoutingTable>>,
    pub(super) backlog: BacklogGate,
    bots: Mutex<BotLoopGuard>,
}

impl GatewayIngress {
    /// Ingress that routes by this table.
    pub fn new(deps: IngressDeps, routing: RoutingTable) -> Self {
        let bots = Mutex::new(BotLoopGuard::default());
        Self {
            deps,
            routing: RwLock::new(Arc::new(routing)),
            backlog: BacklogGate::default(),
            bots,
        }
    }

    /// The present routing table.
    pub fn routing(&self) -> Arc<RoutingTable> {
        self.routing.read().expect("no panic while the table is held").clone()
    }

    /// Routes by another table from the next event on.
    pub fn set_routing(&self, table: RoutingTable) {
        *self.routing.write().expect("no panic while the table is held") = Arc::new(table);
    }

    pub(super) fn config(&self) -> Arc<Config> {
        self.deps.config.borrow().clone()
    }

    /// Whether an event may come in as far as bots that answer each other are concerned.
    fn keeps_bots_apart(&self, inbound: &Inbound) -> bool {
        let (channel, chat) = (&inbound.conversation.channel_id, inbound.conversation.address());
        let mut bots = self.bots.lock().expect("no panic while the guard is held");
        if inbound.sender.is_bot {
            return bots.admit_bot(channel, &chat, self.deps.clock.now());
        }
        bots.person_wrote(channel, &chat);
        true
    }

    /// Whether an event starts a turn: a group's session may say so itself, by `/activation`. What
    /// addresses the assistant always does.
    async fn activation(
        &self,
        inbound: &Inbound,
        key: &SessionKey,
        starts_turn: bool,
    ) -> Result<bool, StorageError> {
        if inbound.conversation.kind == ChatKind::Direct || inbound.mentions_self {
            return Ok(starts_turn);
        }
        let session = self.deps.storage.session_by_key(key).await?;
        Ok(match session.and_then(|session| session.config.activation) {
            Some(GroupActivation::Always) => true,
            Some(GroupActivation::Mention) => false,
            None => starts_turn,
        })
    }

    async fn accept_event(&self, mut inbound: Inbound) -> Accept {
        scrub(&mut inbound);
        let admission = match self.admit(&inbound).await {
            Ok(admission) => admission,
            Err(error) => {
                tracing::warn!(channel = %inbound.conversation.channel_id, %error, "cannot look a sender up, so nothing is accepted");
                return Accept::Busy;
            }
        };
        let (owner, group_agent, starts_turn) = match admission {
            Admission::Denied(reason) => return Accept::Denied { reason },
            Admission::Allowed { owner, group_agent, starts_turn } => {
                (owner, group_agent, starts_turn)
            }
        };
        if !self.keeps_bots_apart(&inbound) {
            tracing::warn!(channel = %inbound.conversation.channel_id, chat = %inbound.conversation.chat_id,
                "another bot and the assistant kept answering each other; it is not heard for a while");
            return Accept::Denied { reason: DenyReason::BotLoop };
        }
        let config = self.config();
        if !self
            .backlog
            .has_room(
                self.deps.storage.as_ref(),
                self.deps.clock.as_ref(),
                config.gateway.max_backlog,
            )
            .await
        {
            tracing::warn!(
                limit = config.gateway.max_backlog,
                "too many inputs wait; nothing more is accepted until some are done"
            );
            return Accept::Busy;
        }
        let decision = self.routing().route(&inbound, group_agent.as_ref());
        let session_key = match openclaw_sessions::session_key(
            &config.session,
            &decision,
            &inbound,
            owner,
        ) {
            Ok(key) => key,
            Err(error) => {
                tracing::error!(channel = %inbound.conversation.channel_id, %error, "a chat cannot be given a session key; its message is dropped");
                return Accept::Noted;
            }
        };
        let starts_turn = match self.activation(&inbound, &session_key, starts_turn).await {
            Ok(starts_turn) => starts_turn,
            Err(error) => {
                tracing::warn!(session = %session_key, %error, "a session cannot be read, so nothing is accepted for it");
                return Accept::Busy;
            }
        };
        let arrival = self.arrival(inbound, session_key, starts_turn).await;
        let stored = match arrival.inbound.kind.clone() {
            InboundKind::Message => self.store_input(&arrival).await,
            InboundKind::Edit { target } => self.store_edit(arrival, target).await,
            InboundKind::Reaction { .. } => {
                self.store_without_turn(&arrival, super::store::Fate::Noted).await
            }
        };
        match stored {
            Ok(Stored::Started { run_id }) => Accept::Accepted { run_id },
            Ok(Stored::Noted) => Accept::Noted,
            Ok(Stored::Duplicate) => Accept::Duplicate,
            Err(error) => {
                tracing::error!(
                    error = error.report(),
                    "a message could not be stored, so it is not accepted"
                );
                Accept::Busy
            }
        }
    }
}

#[async_trait]
impl Ingress for GatewayIngress {
    async fn accept(&self, inbound: Inbound) -> Accept {
        self.accept_event(inbound).await
    }

    async fn chat_migrated(&self, channel: &ChannelId, from: &ChatId, to: &ChatId) {
        let write =
            Write::MigrateChat { channel_id: channel.clone(), from: from.clone(), to: to.clone() };
        match self.deps.storage.apply(Batch::new().with(write)).await {
            Ok(_) => tracing::info!(%channel, %from, %to, "a chat moved to another id"),
            // Each send finds out by itself as well.
            Err(error) => {
                tracing::warn!(%channel, %from, %to, %error, "cannot note that a chat moved")
            }
        }
    }
}
