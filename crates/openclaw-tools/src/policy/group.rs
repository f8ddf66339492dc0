/// The names a `group:` stands for; `None` where there is no such group.
pub(super) fn members(group: &str) -> Option<&'static [&'static str]> {
    Some(match group {
        "runtime" => &["bash", "process"],
        "fs" => &["read", "write", "edit", "apply_patch", "list", "search"],
        "sessions" => &[
            "sessions_list",
            "sessions_history",
            "sessions_send",
            "sessions_spawn",
            "subagents",
            "session_status",
            "agents_list",
        ],
        "memory" => &["memory_search", "memory_get"],
        "web" => &["web_search", "web_fetch"],
        "ui" => &["browser", "canvas"],
        "automation" => &["cron", "gateway"],
        "messaging" => &["message"],
        "nodes" => &["nodes"],
        "openclaw" => &[
            "browser",
            "canvas",
            "nodes",
            "cron",
            "message",
            "gateway",
            "agents_list",
            "sessions_list",
            "sessions_history",
            "sessions_send",
            "sessions_spawn",
            "subagents",
            "session_status",
            "memory_search",
            "memory_get",
            "web_search",
            "web_fetch",
            "image",
            "tts",
        ],
        _ => return None,
    })
}

/// All groups, for messages.
pub(super) const NAMES: &str =
    "runtime, fs, sessions, memory, web, ui, automation, messaging, nodes, openclaw";
