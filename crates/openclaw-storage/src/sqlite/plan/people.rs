//! Users, values, pairings and leases.

use super::Planner;
use crate::rows::UserRow;
use crate::sqlite::argument::{arguments, json_or_null};

// Most messages come from somebody whose row would not change: then no page is written.
const UPSERT_USER: &str = "INSERT INTO users (
    channel_id, channel_user_id, global_user_id, display_name, metadata, created_at)
    VALUES ($1, $2, $3, $4, $5, $6)
    ON CONFLICT (channel_id, channel_user_id) DO UPDATE SET
    global_user_id = excluded.global_user_id, display_name = excluded.display_name,
    metadata = excluded.metadata
    WHERE users.global_user_id IS NOT excluded.global_user_id
    OR users.display_name IS NOT excluded.display_name
    OR users.metadata IS NOT excluded.metadata";

const PUT_VALUE: &str = "INSERT INTO config (key, value, updated_at) VALUES ($1, $2, $3)
    ON CONFLICT (key) DO UPDATE SET value = excluded.value, updated_at = excluded.updated_at";
const PUT_NEW_VALUE: &str = "INSERT INTO config (key, value, updated_at) VALUES ($1, $2, $3)
    ON CONFLICT (key) DO NOTHING";
const PUT_OVER_VALUE: &str = "UPDATE config SET value = $2, updated_at = $3
    WHERE key = $1 AND value = $4";
const DELETE_VALUE: &str = "DELETE FROM config WHERE key = $1";

pub(super) const REQUEST_PAIRING: &str = "INSERT INTO pairings (
    channel_id, user_id, display_name, code, expires_at, approved_at, is_owner, denied, created_at)
    VALUES ($1, $2, $3, $4, $5, NULL, 0, 1, $6)
    ON CONFLICT (channel_id, user_id) DO UPDATE SET denied = pairings.denied + 1,
    display_name = COALESCE(excluded.display_name, pairings.display_name),
    code = CASE WHEN pairings.code IS NOT NULL AND pairings.expires_at > $6
        THEN pairings.code ELSE excluded.code END,
    expires_at = CASE WHEN pairings.code IS NOT NULL AND pairings.expires_at > $6
        THEN pairings.expires_at ELSE excluded.expires_at END
    WHERE pairings.approved_at IS NULL";
pub(super) const APPROVE_PAIRING: &str = "UPDATE pairings
    SET approved_at = COALESCE(approved_at, $4), code = NULL, expires_at = NULL,
    is_owner = MAX(is_owner, $3)
    WHERE channel_id = $1 AND user_id = $2";
pub(super) const REMOVE_PAIRING: &str =
    "DELETE FROM pairings WHERE channel_id = $1 AND user_id = $2";

pub(super) const TAKE_LEASE: &str = "INSERT INTO leases (resource, owner, lease_until, fence)
    VALUES ($1, $2, $3, 1)
    ON CONFLICT (resource) DO UPDATE SET owner = excluded.owner,
    lease_until = excluded.lease_until, fence = leases.fence + 1
    WHERE leases.owner = excluded.owner OR leases.lease_until <= $4
    RETURNING resource, owner, lease_until, fence";
pub(super) const RENEW_LEASES: &str = "UPDATE leases SET lease_until = $2
    WHERE owner = $1 AND lease_until > 0
        AND (resource = $3 OR substr(resource, 1, length($4)) = $4)";
pub(super) const RELEASE_LEASE: &str = "UPDATE leases SET lease_until = 0
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

impl Planner<'_> {
    pub(super) fn upsert_user(&mut self, user: &UserRow) {
        let values = arguments![
            &user.channel_id,
            &user.channel_user_id,
            user.global_user_id.as_ref(),
            user.display_name.as_ref(),
            json_or_null(user.metadata.as_ref()),
            user.created_at,
        ];
        self.push(UPSERT_USER, values);
    }

    pub(super) fn put_value(&mut self, key: &str, value: &str, expect: Option<&Option<String>>) {
        let now = self.now;
        match expect {
            None => {
                self.push(PUT_VALUE, arguments![key, value, now]);
            }
            Some(None) => {
                self.push_guarded(PUT_NEW_VALUE, arguments![key, value, now]);
            }
            Some(Some(present)) => {
                self.push_guarded(PUT_OVER_VALUE, arguments![key, value, now, present]);
            }
        }
    }

    pub(super) fn delete_value(&mut self, key: &str) {
        self.push(DELETE_VALUE, arguments![key]);
    }
}
