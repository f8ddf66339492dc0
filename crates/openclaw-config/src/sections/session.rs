use std::time::Duration;

use openclaw_core::{ChannelKind, QueueDrop, QueueMode, ReplyBack};

use crate::{
    DmScope, QueueSettings, ResetMode, ResetSettings, SessionSettings, SpannedValue, TableReader,
};

const DM_SCOPES: [(&str, DmScope); 4] = [
    ("main", DmScope::Main),
    ("per_peer", DmScope::PerPeer),
    ("per_channel_peer", DmScope::PerChannelPeer),
    ("per_account_channel_peer", DmScope::PerAccountChannelPeer),
];

const QUEUE_MODES: [(&str, QueueMode); 10] = [
    ("queue", QueueMode::Queue),
    ("immediate", QueueMode::Immediate),
    ("batch", QueueMode::Batch),
    ("interrupt", QueueMode::Interrupt),
    ("followup", QueueMode::Queue),
    ("steer", QueueMode::Immediate),
    ("collect", QueueMode::Batch),
    ("immediate_backlog", QueueMode::ImmediateBacklog),
    ("steer-backlog", QueueMode::ImmediateBacklog),
    ("steer+backlog", QueueMode::ImmediateBacklog),
];

const REPLY_BACK: [(&str, ReplyBack); 4] = [
    ("always", ReplyBack::Always),
    ("mention", ReplyBack::Mention),
    ("direct_only", ReplyBack::DirectOnly),
    ("never", ReplyBack::Never),
];

const RESET_MODES: [(&str, ResetMode); 3] =
    [("daily", ResetMode::Daily), ("idle", ResetMode::Idle), ("never", ResetMode::Never)];

pub(super) fn read_session(reader: &mut TableReader<'_>) -> SessionSettings {
    SessionSettings {
        dm_scope: reader
            .choice("dm_scope", "Which direct chats share a session.", &DM_SCOPES)
            .default("per_channel_peer"),
        queue_mode: reader
            .choice("queue_mode", "What happens to messages that arrive during a turn. queue: one turn each, in order; immediate: they join the running turn; immediate_backlog: they are shown to the running turn and have a turn of their own as well; batch: they become one turn; interrupt: the newest replaces the running turn.", &QUEUE_MODES)
            .default("queue"),
        queue: reader.table("queue", "How long messages wait for others, and how many may.", read_queue),
        reply_back: reader
            .choice("reply_back", "When answers are sent to the chat.", &REPLY_BACK)
            .default("always"),
        owners: reader
            .strings_of("owners", "The owners, as <channel>:<user id>.", read_peer)
            .default(SpannedValue::Array(Vec::new())),
        reset: reader.table("reset", "When a session is reset.", read_reset),
        identity_links: reader
            .lists("identity_links", "One person's users on several channels: name = [\"<channel>:<user id>\", …].", read_peer)
            .into_iter()
            .collect(),
    }
}

const DROPS: [(&str, QueueDrop); 3] =
    [("old", QueueDrop::Old), ("new", QueueDrop::New), ("summarize", QueueDrop::Summarize)];

fn read_queue(reader: &mut TableReader<'_>) -> QueueSettings {
    let debounce: u64 = reader
        .integer("debounce_ms", "How long nobody must have written before what waits begins a turn; 0 is at once. A turn is held up ten times as long at most.", 0..=60_000)
        .default(0);
    QueueSettings {
        debounce: Duration::from_millis(debounce),
        cap: reader
            .integer("cap", "The most messages that may wait in a session; 0 is no limit.", 0..=1_000)
            .default(0),
        drop: reader
            .choice("drop", "What becomes of messages beyond the cap. old, new: the oldest or the newest are refused, and their senders are told; summarize: the oldest become a list in the next turn.", &DROPS)
            .default("summarize"),
    }
}

fn read_reset(reader: &mut TableReader<'_>) -> ResetSettings {
    let mode = reader
        .choice(
            "mode",
            "daily: at the first message after `at`; idle: only after idle_minutes; never.",
            &RESET_MODES,
        )
        .default("daily");
    let at_minutes = reader
        .string("at", "The hour of a daily reset in the machine's local time, HH:MM.")
        .parse(|text| read_clock_time(&text))
        .default("04:00");
    let idle_minutes: u64 = reader
        .integer("idle_minutes", "Minutes without a message after which a session is reset, whatever the mode but never; 0 is off.", 0..=5_256_000)
        .default(0);
    if mode == ResetMode::Idle && idle_minutes == 0 {
        reader.issue("mode", "\"idle\" needs idle_minutes above 0");
    }
    let idle = (idle_minutes > 0).then(|| Duration::from_secs(idle_minutes * 60));
    ResetSettings { mode, at_minutes, idle }
}

pub(super) fn read_clock_time(text: &str) -> Result<u16, String> {
    let wrong = || "must be a time of day such as \"04:00\"".to_owned();
    let (hours, minutes) = text.split_once(':').ok_or_else(wrong)?;
    let number = |digits: &str, limit: u16| {
        let valid = (1..=2).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit());
        digits.parse::<u16>().ok().filter(|number| valid && *number < limit).ok_or_else(wrong)
    };
    if minutes.len() != 2 {
        return Err(wrong());
    }
    Ok(number(hours, 24)? * 60 + number(minutes, 60)?)
}

fn read_peer(text: String) -> Result<String, String> {
    match text.split_once(':') {
        Some((channel, user)) if ChannelKind::new(channel).is_ok() && !user.is_empty() => Ok(text),
        _ => Err("must be <channel>:<user id>, such as \"telegram:123456\"".to_owned()),
    }
}
