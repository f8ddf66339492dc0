use openclaw_core::ChannelKind;
use serde_json::{Map, Value, json};

use crate::channel_table::{ChannelParser, is_enabled};
use crate::dotted_key::join;
use crate::wording::{article, did_you_mean, quoted_list};
use crate::{ChannelTable, Issue, ReadContext, SpannedTable, SpannedValue, TableReader};

/// `[channels]`, each kind's table as it stands.
pub(crate) struct ChannelsSection(Option<SpannedTable>);

pub(super) fn read_channels(
    reader: &mut TableReader<'_>,
    channels: &dyn ChannelParser,
) -> ChannelsSection {
    let entry = reader.raw("channels", || {
        let kinds = channels.kinds();
        let properties: Map<String, Value> = kinds
            .into_iter()
            .filter_map(|kind| channels.schema(&kind).map(|schema| (kind, schema)))
            .collect();
        json!({
            "description": "Channels by kind.",
            "type": "object",
            "properties": properties,
            "additionalProperties": false
        })
    });
    match entry.map(|entry| &entry.value.value) {
        Some(SpannedValue::Table(table)) => ChannelsSection(Some(table.clone())),
        Some(other) => {
            let found = article(other.type_name());
            reader.issue("channels", format!("expected a table, found {found}"));
            ChannelsSection(None)
        }
        None => ChannelsSection(None),
    }
}

impl ChannelsSection {
    /// The tables of the kinds that this binary has, each checked by its channel.
    pub(crate) fn check(
        self,
        channels: &dyn ChannelParser,
        context: &ReadContext,
        issues: &mut Vec<Issue>,
    ) -> Vec<ChannelTable> {
        let Some(table) = self.0 else { return Vec::new() };
        let kinds = channels.kinds();
        let mut checked = Vec::new();
        for (name, entry) in table.entries {
            let key = join("channels", &name);
            if !kinds.contains(&name) {
                let issue = Issue::new(entry.key_place, key, unknown_kind(&name, &kinds, channels));
                let hint = did_you_mean(&name, kinds.iter().map(String::as_str));
                issues.push(match hint {
                    Some(hint) => issue.with_hint(hint),
                    None => issue,
                });
                continue;
            }
            let kind = match ChannelKind::new(name) {
                Ok(kind) => kind,
                Err(error) => {
                    issues.push(Issue::new(entry.key_place, key, error.to_string()));
                    continue;
                }
            };
            let SpannedValue::Table(value) = entry.value.value else {
                let found = article(entry.value.value.type_name());
                let message = format!("expected a table, found {found}");
                issues.push(Issue::new(entry.value.place, key, message));
                continue;
            };
            let enabled = is_enabled(&value);
            let table = ChannelTable { kind, enabled, value, context: context.clone() };
            issues.extend(channels.check(&table));
            checked.push(table);
        }
        checked
    }
}

fn unknown_kind(name: &str, kinds: &[String], channels: &dyn ChannelParser) -> String {
    match channels.missing_feature(name) {
        Some(feature) => {
            format!("this build lacks the channel; it comes with the build feature \"{feature}\"")
        }
        None if kinds.is_empty() => "unknown channel; this build has none".to_owned(),
        None => {
            let kinds = quoted_list(kinds.iter().map(String::as_str));
            format!("unknown channel; this build has {kinds}")
        }
    }
}
