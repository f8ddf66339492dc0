//! Users, values, pairings and leases.

use async_trait::async_trait;
use openclaw_core::{ChannelId, Timestamp, UserId};

use super::Pace::Quick;
use super::{Read, SqlReads, statements};
use crate::rows::{LeaseRow, PairingRow, UserRow};
use crate::sql::argument::arguments;
use crate::sql::decode;
use crate::{LeaseReads, PairingReads, UserReads, ValueReads};

statements! {
    PeopleSql { user, value, values, pairing, pairing_by_code, pairings, lease }
}

#[async_trait]
impl<E: SqlReads> UserReads for E {
    async fn user(&self, channel: &ChannelId, user: &UserId) -> Read<Option<UserRow>> {
        self.row(E::SQL.people.user, arguments![channel, user].into(), decode::user).await
    }
}

#[async_trait]
impl<E: SqlReads> ValueReads for E {
    async fn value(&self, key: &str) -> Read<Option<String>> {
        self.row(E::SQL.people.value, arguments![key].into(), decode::string).await
    }

    async fn values(&self, prefix: &str) -> Read<Vec<(String, String)>> {
        let values = arguments![prefix];
        self.rows(Quick, E::SQL.people.values, values.into(), decode::key_and_value).await
    }
}

#[async_trait]
impl<E: SqlReads> PairingReads for E {
    async fn pairing(&self, channel: &ChannelId, user: &UserId) -> Read<Option<PairingRow>> {
        self.row(E::SQL.people.pairing, arguments![channel, user].into(), decode::pairing).await
    }

    async fn pairing_by_code(&self, code: &str, now: Timestamp) -> Read<Option<PairingRow>> {
        let values = arguments![code, now];
        self.row(E::SQL.people.pairing_by_code, values.into(), decode::pairing).await
    }

    async fn pairings(&self, channel: Option<&ChannelId>) -> Read<Vec<PairingRow>> {
        let values = arguments![channel];
        self.rows(Quick, E::SQL.people.pairings, values.into(), decode::pairing).await
    }
}

#[async_trait]
impl<E: SqlReads> LeaseReads for E {
    async fn lease(&self, resource: &str) -> Read<Option<LeaseRow>> {
        self.row(E::SQL.people.lease, arguments![resource].into(), decode::lease).await
    }
}
