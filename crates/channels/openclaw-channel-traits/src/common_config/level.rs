use std::collections::BTreeMap;

use openclaw_config::TableReader;
use openclaw_core::{AgentId, ChannelKind};

use crate::{AccessPolicy, BaseUrl, DmPolicy, GroupPolicy, GroupSettings};

/// The common keys as they are set at one level; `None` where they are not.
#[derive(Debug, Clone, Default)]
pub(super) struct Level {
    pub(super) enabled: Option<bool>,
    pub(super) base_url: Option<BaseUrl>,
    dm_policy: Option<DmPolicy>,
    allow_from: Option<Vec<String>>,
    group_policy: Option<GroupPolicy>,
    groups: Option<BTreeMap<String, GroupSettings>>,
    require_mention: Option<bool>,
    pub(super) text_limit: Option<usize>,
    pub(super) media_max_bytes: Option<u64>,
}

const DM_POLICIES: [(&str, DmPolicy); 4] = [
    ("pairing", DmPolicy::Pairing),
    ("allowlist", DmPolicy::Allowlist),
    ("open", DmPolicy::Open),
    ("disabled", DmPolicy::Disabled),
];

const GROUP_POLICIES: [(&str, GroupPolicy); 3] = [
    ("allowlist", GroupPolicy::Allowlist),
    ("open", GroupPolicy::Open),
    ("disabled", GroupPolicy::Disabled),
];

impl Level {
    pub(super) fn read(reader: &mut TableReader<'_>, kind: &ChannelKind) -> Self {
        Self {
            enabled: reader
                .boolean("enabled", "Whether the channel runs; true where it is not set.")
                .optional(),
            base_url: reader
                .string("base_url", "The root of the service's API.")
                .parse(|text| BaseUrl::parse(&text).map_err(|error| error.to_string()))
                .optional(),
            dm_policy: reader
                .choice(
                    "dm_policy",
                    "Who may write in direct chats; `pairing` where it is not set: unknown people \
                     get a code for the owner to approve.",
                    &DM_POLICIES,
                )
                .optional(),
            allow_from: read_people(
                reader,
                "Who may write: ids, `@names`, or `*` for everybody.",
                kind,
            ),
            group_policy: reader
                .choice(
                    "group_policy",
                    "Which groups are heard; `allowlist` where it is not set: those in `groups`, \
                     elsewhere people in `allow_from`.",
                    &GROUP_POLICIES,
                )
                .optional(),
            groups: read_groups(reader, kind),
            require_mention: read_require_mention(reader),
            text_limit: reader
                .integer("text_limit", "The longest text of one message.", 4..=1_000_000_u32)
                .optional()
                .and_then(|limit| usize::try_from(limit).ok()),
            media_max_bytes: reader
                .number("media_max_mb", "The largest file in MB, both ways.", 0.0..=4096.0)
                .parse(|megabytes| Ok(bytes(megabytes)))
                .optional(),
        }
    }

    /// What holds where this level is laid over another.
    pub(super) fn over(self, above: &Self) -> Self {
        Self {
            enabled: self.enabled,
            base_url: self.base_url.or_else(|| above.base_url.clone()),
            dm_policy: self.dm_policy.or(above.dm_policy),
            allow_from: self.allow_from.or_else(|| above.allow_from.clone()),
            group_policy: self.group_policy.or(above.group_policy),
            groups: self.groups.or_else(|| above.groups.clone()),
            require_mention: self.require_mention.or(above.require_mention),
            text_limit: self.text_limit.or(above.text_limit),
            media_max_bytes: self.media_max_bytes.or(above.media_max_bytes),
        }
    }

    pub(super) fn access(&self) -> AccessPolicy {
        AccessPolicy {
            dm_policy: self.dm_policy.unwrap_or_default(),
            allow_from: self.allow_from.clone().unwrap_or_default(),
            group_policy: self.group_policy.unwrap_or_default(),
            groups: self.groups.clone().unwrap_or_default(),
            require_mention: self.require_mention.unwrap_or(true),
        }
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the number is from 0 to 4096"
)]
fn bytes(megabytes: f64) -> u64 {
    (megabytes * 1_048_576.0) as u64
}

fn read_people(
    reader: &mut TableReader<'_>,
    description: &'static str,
    kind: &ChannelKind,
) -> Option<Vec<String>> {
    let people = reader.ids("allow_from", description).parse(|people| {
        people
            .into_iter()
            .enumerate()
            .map(|(index, person)| {
                parse_person(&person, kind).map_err(|message| format!("entry {index} {message}"))
            })
            .collect()
    });
    people.optional()
}

/// Takes `<kind>:` off, which `session.owners` and the TypeScript version write.
fn parse_person(person: &str, kind: &ChannelKind) -> Result<String, &'static str> {
    let person = person.trim();
    let own = person.strip_prefix(kind.as_str()).and_then(|rest| rest.strip_prefix(':'));
    let person = own.unwrap_or(person);
    if person.is_empty() || person == "@" {
        return Err("is empty; expected an id, an `@name` or `*`");
    }
    if person.contains(|c: char| c.is_whitespace() || c.is_control()) {
        return Err("holds a space; expected one id, `@name` or `*` per entry");
    }
    if person.len() > 1 && person.contains('*') {
        return Err("is a pattern; expected an id, an `@name` or `*` alone");
    }
    Ok(person.to_owned())
}

fn read_require_mention(reader: &mut TableReader<'_>) -> Option<bool> {
    let description =
        "Whether the assistant must be addressed in groups; true where it is not set.";
    reader.boolean("require_mention", description).optional()
}

fn read_groups(
    reader: &mut TableReader<'_>,
    kind: &ChannelKind,
) -> Option<BTreeMap<String, GroupSettings>> {
    let is_set = reader.is_set("groups");
    let description = "Groups by their id; `*` stands for every group.";
    let groups = reader.map("groups", description, |_, reader| GroupSettings {
        require_mention: read_require_mention(reader),
        allow_from: read_people(
            reader,
            "Who may write in this group; everybody in it where it is not set.",
            kind,
        ),
        agent: reader
            .string("agent", "The agent that answers in this group.")
            .parse(|text| AgentId::new(text).map_err(|error| error.to_string()))
            .optional(),
    });
    is_set.then(|| groups.into_iter().collect())
}
