//! Users, values, pairings and leases.

use std::time::Duration;

use super::{Held, Outcome, Writing};
use crate::rows::UserRow;
use crate::sql::argument::{Argument, arguments, json_or_null};
use crate::sql::decode;
use crate::{Fence, Leases};

// Most messages come from somebody whose row would not change: then none is written.
const UPSERT_USER: &str = "INSERT INTO users (
    channel_id, channel_user_id, global_user_id, display_name, metadata, created_at)
    VALUES ($1, $2, $3, $4, $5, $6)
    ON CONFLICT (channel_id, channel_user_id) DO UPDATE SET
    global_user_id = excluded.global_user_id, display_name = excluded.display_name,
    metadata = excluded.metadata
    WHERE (users.global_user_id, users.display_name, users.metadata) IS DISTINCT FROM
    (excluded.global_user_id, excluded.display_name, excluded.metadata)";

const PUT_VALUE: &str = "INSERT INTO config (key, value, updated_at) VALUES ($1, $2, $3)
    ON CONFLICT (key) DO UPDATE SET value = excluded.value, updated_at = excluded.updated_at";
const PUT_NEW_VALUE: &str = "INSERT INTO config (key, value, updated_at) VALUES ($1, $2, $3)
    ON CONFLICT (key) DO NOTHING";
const PUT_OVER_VALUE: &str = "UPDATE config SET value = $2, updated_at = $3
    WHERE key = $1 AND value = $4";
const DELETE_VALUE: &str = "DELETE FROM config WHERE key = $1";

const REQUEST_PAIRING: &str = "INSERT INTO pairings (
    channel_id, user_id, display_name, code, expires_at, approved_at, is_owner, denied, created_at)
    VALUES ($1, $2, $3, $4, $5, NULL, 0, 1, $6)
    ON CONFLICT (channel_id, user_id) DO UPDATE SET denied = pairings.denied + 1,
    display_name = COALESCE(excluded.display_name, pairings.display_name),
    code = CASE WHEN pairings.code IS NOT NULL AND pairings.expires_at > $6
        THEN pairings.code ELSE excluded.code END,
    expires_at = CASE WHEN pairings.code IS NOT NULL AND pairings.expires_at > $6
        THEN pairings.expires_at ELSE excluded.expires_at END
    WHERE pairings.approved_at IS NULL";
const APPROVE_PAIRING: &str = "UPDATE pairings
    SET approved_at = COALESCE(approved_at, $4), code = NULL, expires_at = NULL,
    is_owner = GREATEST(is_owner, $3)
    WHERE channel_id = $1 AND user_id = $2";
const REMOVE_PAIRING: &str = "DELETE FROM pairings WHERE channel_id = $1 AND user_id = $2";

/// The moment of the statement in milliseconds, by the clock that leases go by.
macro_rules! now {
    ($given:literal) => {
        concat!(
            "COALESCE(",
            $given,
            "::bigint, (extract(epoch FROM clock_timestamp()) * 1000)::bigint)"
        )
    };
}

// Naming the key in SET takes the row's strongest lock, for which the batches that hold the fence of
// the old holder are waited for.
const TAKE_LEASE: &str = concat!(
    "INSERT INTO leases (resource, owner, lease_until, fence) VALUES ($1, $2, ",
    now!("$4"),
    " + $3, 1)
    ON CONFLICT (resource) DO UPDATE SET resource = excluded.resource, owner = excluded.owner,
    lease_until = ",
    now!("$4"),
    " + $3, fence = leases.fence + 1
    WHERE leases.owner = excluded.owner OR leases.lease_until <= ",
    now!("$4"),
    " RETURNING resource, owner, lease_until, fence"
);
const RENEW_LEASES: &str = concat!(
    "UPDATE leases SET lease_until = ",
    now!("$3"),
    " + $2 WHERE owner = $1 AND lease_until > 0
        AND (resource = $4::text OR substr(resource, 1, length($5::text)) = $5::text)"
);
const RELEASE_LEASE: &str = "UPDATE leases SET lease_until = 0
    WHERE resource = $1 AND owner = $2 AND fence = $3";

#[cfg(test)]
pub(super) const STATEMENTS: &[&str] = &[
    UPSERT_USER,
    PUT_VALUE,
    PUT_NEW_VALUE,
    PUT_OVER_VALUE,
    DELETE_VALUE,
    REQUEST_PAIRING,
    APPROVE_PAIRING,
    REMOVE_PAIRING,
    TAKE_LEASE,
    RENEW_LEASES,
    RELEASE_LEASE,
];

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX / 4)
}

impl Writing<'_> {
    pub(super) async fn upsert_user(&mut self, user: &UserRow) -> Outcome {
        let values = arguments![
            &user.channel_id,
            &user.channel_user_id,
            user.global_user_id.as_ref(),
            user.display_name.as_ref(),
            json_or_null(user.metadata.as_ref()),
            user.created_at,
        ];
        self.changed(UPSERT_USER, values).await?;
        Ok(Held::Yes)
    }

    pub(super) async fn put_value(
        &mut self,
        key: &str,
        value: &str,
        expect: Option<&Option<String>>,
    ) -> Outcome {
        let now = self.now;
        let rows = match expect {
            None => self.changed(PUT_VALUE, arguments![key, value, now]).await?,
            Some(None) => self.changed(PUT_NEW_VALUE, arguments![key, value, now]).await?,
            Some(Some(present)) => {
                self.changed(PUT_OVER_VALUE, arguments![key, value, now, present]).await?
            }
        };
        Ok(Held::when_one(rows))
    }

    pub(super) async fn delete_value(&mut self, key: &str) -> Outcome {
        self.changed(DELETE_VALUE, arguments![key]).await?;
        Ok(Held::Yes)
    }

    pub(super) async fn request_pairing(&mut self, values: [Argument; 6]) -> Outcome {
        self.changed(REQUEST_PAIRING, values).await?;
        Ok(Held::Yes)
    }

    pub(super) async fn approve_pairing(&mut self, values: [Argument; 4]) -> Outcome {
        Ok(Held::when_one(self.changed(APPROVE_PAIRING, values).await?))
    }

    pub(super) async fn remove_pairing(&mut self, values: [Argument; 2]) -> Outcome {
        self.changed(REMOVE_PAIRING, values).await?;
        Ok(Held::Yes)
    }

    pub(super) async fn take_lease(
        &mut self,
        resource: &str,
        owner: &str,
        ttl: Duration,
    ) -> Outcome {
        let values = arguments![resource, owner, millis(ttl), self.lease_now];
        match self.optional(TAKE_LEASE, values, decode::lease).await? {
            None => Ok(Held::No),
            Some(lease) => {
                self.applied.leases.push(lease);
                Ok(Held::Yes)
            }
        }
    }

    pub(super) async fn renew_leases(
        &mut self,
        owner: &str,
        leases: &Leases,
        ttl: Duration,
    ) -> Outcome {
        let which = (leases.resource(), leases.beginning());
        let values = arguments![owner, millis(ttl), self.lease_now, which.0, which.1];
        self.changed(RENEW_LEASES, values).await?;
        Ok(Held::Yes)
    }

    pub(super) async fn release_lease(&mut self, fence: &Fence) -> Outcome {
        let values = arguments![&fence.resource, &fence.owner, fence.fence];
        self.changed(RELEASE_LEASE, values).await?;
        Ok(Held::Yes)
    }
}
