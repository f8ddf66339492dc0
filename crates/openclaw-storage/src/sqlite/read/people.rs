//! Users, values, pairings and leases.

use crate::sql::read::{PeopleSql, pairing};

pub(super) const PEOPLE: PeopleSql = PeopleSql {
    user: USER,
    value: VALUE,
    values: VALUES,
    pairing: PAIRING,
    pairing_by_code: PAIRING_BY_CODE,
    pairings: PAIRINGS,
    lease: LEASE,
};

const USER: &str = "SELECT channel_id, channel_user_id, global_user_id, display_name, metadata,
    created_at FROM users WHERE channel_id = $1 AND channel_user_id = $2";
const VALUE: &str = "SELECT value FROM config WHERE key = $1";
// No key goes on with the last code point there is.
const VALUES: &str = "SELECT key, value FROM config
    WHERE key >= $1 AND key < $1 || char(1114111) ORDER BY key";
const PAIRING: &str =
    concat!("SELECT ", pairing!(), " FROM pairings WHERE channel_id = $1 AND user_id = $2");
const PAIRING_BY_CODE: &str = concat!(
    "SELECT ",
    pairing!(),
    " FROM pairings INDEXED BY pairings_code WHERE code = $1 AND expires_at > $2
    ORDER BY channel_id, user_id LIMIT 1"
);
const PAIRINGS: &str = concat!(
    "SELECT ",
    pairing!(),
    " FROM pairings WHERE $1 IS NULL OR channel_id = $1
    ORDER BY created_at, channel_id, user_id"
);
const LEASE: &str = "SELECT resource, owner, lease_until, fence FROM leases WHERE resource = $1";
