//! Users, values, pairings and leases.

use async_trait::async_trait;
use openclaw_core::{ChannelId, Timestamp, UserId};

use super::Read;
use crate::postgres::PostgresStorage;
use crate::rows::{LeaseRow, PairingRow, UserRow};
use crate::sql::argument::arguments;
use crate::sql::decode;
use crate::{LeaseReads, PairingReads, UserReads, ValueReads};

macro_rules! pairing {
    () => {
        "channel_id, user_id, display_name, code, expires_at, approved_at, is_owner, denied, \
         created_at"
    };
}

const USER: &str = "SELECT channel_id, channel_user_id, global_user_id, display_name, metadata,
    created_at FROM users WHERE channel_id = $1 AND channel_user_id = $2";
const VALUE: &str = "SELECT value FROM config WHERE key = $1";
const VALUES: &str = "SELECT key, value FROM config
    WHERE key >= $1 AND starts_with(key, $1) ORDER BY key";
const PAIRING: &str =
    concat!("SELECT ", pairing!(), " FROM pairings WHERE channel_id = $1 AND user_id = $2");
const PAIRING_BY_CODE: &str = concat!(
    "SELECT ",
    pairing!(),
    " FROM pairings WHERE code = $1 AND expires_at > $2
    ORDER BY channel_id, user_id LIMIT 1"
);
const PAIRINGS: &str = concat!(
    "SELECT ",
    pairing!(),
    " FROM pairings WHERE $1::text IS NULL OR channel_id = $1
    ORDER BY created_at, channel_id, user_id"
);
const LEASE: &str = "SELECT resource, owner, lease_until, fence FROM leases WHERE resource = $1";

#[cfg(test)]
pub(super) const STATEMENTS: &[&str] =
    &[USER, VALUE, VALUES, PAIRING, PAIRING_BY_CODE, PAIRINGS, LEASE];

#[async_trait]
impl UserReads for PostgresStorage {
    async fn user(&self, channel: &ChannelId, user: &UserId) -> Read<Option<UserRow>> {
        self.optional(USER, arguments![channel, user], decode::user).await
    }
}

#[async_trait]
impl ValueReads for PostgresStorage {
    async fn value(&self, key: &str) -> Read<Option<String>> {
        self.optional(VALUE, arguments![key], decode::string).await
    }

    async fn values(&self, prefix: &str) -> Read<Vec<(String, String)>> {
        self.all(VALUES, arguments![prefix], decode::key_and_value).await
    }
}

#[async_trait]
impl PairingReads for PostgresStorage {
    async fn pairing(&self, channel: &ChannelId, user: &UserId) -> Read<Option<PairingRow>> {
        self.optional(PAIRING, arguments![channel, user], decode::pairing).await
    }

    async fn pairing_by_code(&self, code: &str, now: Timestamp) -> Read<Option<PairingRow>> {
        self.optional(PAIRING_BY_CODE, arguments![code, now], decode::pairing).await
    }

    async fn pairings(&self, channel: Option<&ChannelId>) -> Read<Vec<PairingRow>> {
        self.all(PAIRINGS, arguments![channel], decode::pairing).await
    }
}

#[async_trait]
impl LeaseReads for PostgresStorage {
    async fn lease(&self, resource: &str) -> Read<Option<LeaseRow>> {
        self.optional(LEASE, arguments![resource], decode::lease).await
    }
}
