//! The seam between the gateway and chat services, and all that two channels would both write.
//!
//! A channel implements [`Channel`] and [`ChannelFactory`] and nothing else: the supervisor in the
//! gateway owns restart and backoff, ingress owns access and storage, delivery owns order and
//! retries. Capability questions have no default answers: a channel states them in its
//! [`ChannelDescriptor`]. A channel crate sees only this crate and `openclaw-core`.
//!
//! To add a channel: a crate `openclaw-<name>` with its config type, client, parse to
//! [`openclaw_core::Inbound`], render from [`openclaw_core::Outbound`]; run the kit in
//! `conformance` against a strict fake of the service; name its factory in `openclaw-cli`.

mod access;
mod backoff;
mod base_url;
mod bot_loop;
mod channel;
pub mod chunk;
mod client_events;
pub mod common_config;
#[cfg(feature = "conformance")]
pub mod conformance;
mod descriptor;
mod error;
pub mod external_id;
mod factory;
mod hold;
mod ingress;
pub mod markup;
pub mod mention;
mod menu;
pub mod pairing;
pub mod webhook;

pub use access::{Access, PairingState, is_listed};
pub use backoff::Backoff;
pub use base_url::{BaseUrl, InvalidBaseUrl};
pub use bot_loop::BotLoopGuard;
pub use channel::{
    Channel, ChannelContext, ChannelState, Found, LookedUpChat, LookedUpMessage, LookedUpUser,
    Lookup, StatusReport, StatusSink,
};
pub use client_events::ClientEvents;
pub use descriptor::{ChannelDescriptor, LengthUnit, MarkupDialect, Reconcile};
pub use error::{ChannelError, DeliveryError};
pub use factory::{
    AccessPolicy, ChannelAccount, ChannelBuilder, ChannelFactory, DmPolicy, GroupPolicy,
    GroupSettings, ParsedChannel,
};
pub use hold::AccountHold;
pub use ingress::{Accept, DenyReason, Ingress};
pub use menu::MenuCommand;
pub use openclaw_config::{
    ChannelTable, Environment, Issue, Place, SpannedTable, TableReader, describe,
};
pub use openclaw_media::{MediaError, MediaStore};
