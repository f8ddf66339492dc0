//! Users, values, pairings and leases.

use std::time::Duration;

use openclaw_core::{ChannelId, Timestamp, UserId};

use super::state::State;
use crate::rows::{LeaseRow, PairingRow, UserRow};
use crate::{Conflict, Fence, Leases};

type Person = (ChannelId, UserId);

impl State {
    pub(super) fn upsert_user(&mut self, user: &UserRow) {
        let key = (user.channel_id.clone(), user.channel_user_id.clone());
        let created_at = self.users.get(&key).map_or(user.created_at, |old| old.created_at);
        self.users.insert(key, UserRow { created_at, ..user.clone() });
    }

    pub(super) fn put_value(
        &mut self,
        key: &str,
        value: &str,
        expect: Option<&Option<String>>,
    ) -> Result<(), Conflict> {
        let key = key.to_owned();
        if expect.is_some_and(|expected| expected.as_ref() != self.values.get(&key)) {
            return Err(Conflict::ValueChanged { key });
        }
        self.values.insert(key, value.to_owned());
        Ok(())
    }

    pub(super) fn request_pairing(
        &mut self,
        person: Person,
        display_name: Option<&String>,
        (code, expires_at): (&str, Timestamp),
        at: Timestamp,
    ) {
        let mut row = self.pairings.get(&person).cloned().unwrap_or_else(|| PairingRow {
            channel_id: person.0.clone(),
            user_id: person.1.clone(),
            display_name: None,
            code: None,
            expires_at: None,
            approved_at: None,
            is_owner: false,
            denied: 0,
            created_at: at,
        });
        if row.approved_at.is_some() {
            return;
        }
        row.denied += 1;
        row.display_name = display_name.cloned().or(row.display_name);
        let is_pending = row.code.is_some() && row.expires_at.is_some_and(|until| until > at);
        if !is_pending {
            row.code = Some(code.to_owned());
            row.expires_at = Some(expires_at);
        }
        self.pairings.insert(person, row);
    }

    pub(super) fn approve_pairing(
        &mut self,
        person: Person,
        owner: bool,
        at: Timestamp,
    ) -> Result<(), Conflict> {
        let mut row = self
            .pairings
            .get(&person)
            .ok_or_else(|| Conflict::pairing_missing(&person.0, &person.1))?
            .clone();
        row.approved_at = row.approved_at.or(Some(at));
        row.code = None;
        row.expires_at = None;
        row.is_owner |= owner;
        self.pairings.insert(person, row);
        Ok(())
    }

    pub(super) fn take_lease(
        &mut self,
        resource: &str,
        owner: &str,
        now: Timestamp,
        ttl: Duration,
    ) -> Result<LeaseRow, Conflict> {
        let resource = resource.to_owned();
        let old = self.leases.get(&resource);
        if let Some(held) = old.filter(|held| held.owner != owner && held.lease_until > now) {
            return Err(Conflict::lease_held(held));
        }
        let lease = LeaseRow {
            resource: resource.clone(),
            owner: owner.to_owned(),
            lease_until: now.plus(ttl),
            fence: old.map_or(1, |old| old.fence + 1),
        };
        self.leases.insert(resource, lease.clone());
        Ok(lease)
    }

    pub(super) fn renew_leases(&mut self, owner: &str, leases: &Leases, until: Timestamp) {
        let held: Vec<LeaseRow> = self
            .leases
            .iter()
            .map(|(_, lease)| lease)
            .filter(|lease| lease.owner == owner && lease.is_given())
            .filter(|lease| match leases {
                Leases::Of(resource) => lease.resource == *resource,
                Leases::Beginning(beginning) => lease.resource.starts_with(beginning),
            })
            .cloned()
            .collect();
        for lease in held {
            self.leases.insert(lease.resource.clone(), LeaseRow { lease_until: until, ..lease });
        }
    }

    pub(super) fn release_lease(&mut self, fence: &Fence) {
        let held = self
            .leases
            .get(&fence.resource)
            .filter(|lease| lease.owner == fence.owner && lease.fence == fence.fence);
        if let Some(lease) = held.cloned() {
            let released = LeaseRow { lease_until: LeaseRow::GIVEN_BACK, ..lease };
            self.leases.insert(released.resource.clone(), released);
        }
    }
}
