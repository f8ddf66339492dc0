use openclaw_core::{Inbound, InboundKind, MessageContent};

/// A chat command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Command {
    /// What can be asked.
    Help,
    /// How the session and the gateway are.
    Status,
    /// Who is asking.
    Whoami,
    /// What the session has used.
    Usage,
    /// A fresh session; what follows the command is its first message.
    New,
    /// End the running turn and what waits.
    Stop,
    /// Answer whether a command may run.
    Approve,
    /// Shorten the conversation by a summary.
    Compact,
    /// What a request to the model holds.
    Context,
    /// List skills, approve one, or use one.
    Skill,
    /// Show or set the session's model.
    Model,
    /// Show or set how much the model thinks.
    Think,
    /// Show or set what happens to messages during a turn.
    Queue,
    /// Show or set which messages of a group are answered.
    Activation,
    /// Show or set whether answers are sent.
    Send,
    /// Show or stop the session's subagents.
    Subagents,
    /// Start the gateway again.
    Restart,
}

/// Who may use a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Who {
    /// Everyone who is heard.
    Anyone,
    /// In a group the owner; in a direct chat everyone who is heard there.
    Owner,
    /// The owner, in a direct chat too.
    OnlyOwner,
}

/// What is known of a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CommandInfo {
    /// The command.
    pub command: Command,
    /// Its name, without the slash.
    pub name: &'static str,
    /// Other names.
    pub aliases: &'static [&'static str],
    /// What may follow the name.
    pub arguments: &'static str,
    /// What it does.
    pub about: &'static str,
    /// Who may use it.
    pub who: Who,
}

const fn info(
    command: Command,
    (name, aliases): (&'static str, &'static [&'static str]),
    arguments: &'static str,
    about: &'static str,
    who: Who,
) -> CommandInfo {
    CommandInfo { command, name, aliases, arguments, about, who }
}

/// All commands, as help and native menus show them.
pub const LIST: &[CommandInfo] = &[
    info(Command::Help, ("help", &["commands", "start"]), "", "what you can ask", Who::Anyone),
    info(Command::Status, ("status", &[]), "", "model, session and queue", Who::Anyone),
    info(Command::Whoami, ("whoami", &["id"]), "", "your id and this chat's", Who::Anyone),
    info(
        Command::Usage,
        ("usage", &[]),
        "[off | tokens | full]",
        "tokens this session has used and what they cost, or whether each answer says so",
        Who::Anyone,
    ),
    info(Command::New, ("new", &["reset"]), "[message]", "begin a fresh session", Who::Owner),
    info(Command::Stop, ("stop", &["abort"]), "", "end the running turn", Who::Owner),
    info(
        Command::Approve,
        ("approve", &[]),
        "<id> <allow-once | allow-always | deny>",
        "say whether a command may run",
        Who::OnlyOwner,
    ),
    info(
        Command::Compact,
        ("compact", &[]),
        "[what the summary must hold]",
        "shorten the conversation by a summary",
        Who::Owner,
    ),
    info(
        Command::Context,
        ("context", &[]),
        "",
        "what is sent to the model, and how large it is",
        Who::Owner,
    ),
    info(
        Command::Skill,
        ("skill", &["skills"]),
        "[name what to do | approve name]",
        "list skills, use one, or approve one that has changed",
        Who::Anyone,
    ),
    info(
        Command::Model,
        ("model", &[]),
        "[provider/model | alias | list | status | default]",
        "show or set the model",
        Who::Owner,
    ),
    info(
        Command::Think,
        ("think", &["thinking", "t"]),
        "[off | minimal | low | medium | high | default]",
        "show or set how much it thinks",
        Who::Owner,
    ),
    info(
        Command::Queue,
        ("queue", &[]),
        "[queue | immediate | immediate_backlog | batch | interrupt | default] [debounce:2s] [cap:20] [drop:old | new | summarize]",
        "show or set what happens to messages during a turn",
        Who::Owner,
    ),
    info(
        Command::Activation,
        ("activation", &[]),
        "[mention | always | default]",
        "show or set which messages of a group are answered",
        Who::Owner,
    ),
    info(
        Command::Send,
        ("send", &[]),
        "[on | off | mention | default]",
        "show or set whether answers are sent",
        Who::OnlyOwner,
    ),
    info(
        Command::Subagents,
        ("subagents", &[]),
        "[list | kill <number | all>]",
        "show or stop the subagents of this session",
        Who::Owner,
    ),
    info(Command::Restart, ("restart", &[]), "", "start the gateway again", Who::OnlyOwner),
];

/// The command an inbound message is, and what follows it. `None` for what is meant for the model,
/// which includes a slash before a name that is none of ours.
pub fn parse(inbound: &Inbound) -> Option<(&'static CommandInfo, &str)> {
    // What another session's run says is no command, however it begins.
    let is_internal = matches!(inbound.content, MessageContent::System { .. });
    if inbound.kind != InboundKind::Message || is_internal || !inbound.content.media().is_empty() {
        return None;
    }
    parse_text(inbound.content.plain_text())
}

fn parse_text(text: &str) -> Option<(&'static CommandInfo, &str)> {
    let text = text.trim().strip_prefix('/')?;
    let end = text.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(text.len());
    let (name, rest) = text.split_at(end);
    // In groups, services name the bot that is meant: `/status@my_bot`.
    let rest = match rest.strip_prefix('@') {
        Some(addressed) => addressed.trim_start_matches(|c: char| c.is_alphanumeric() || c == '_'),
        None => rest,
    };
    let arguments = match rest.chars().next() {
        None => "",
        Some(':') => &rest[1..],
        Some(next) if next.is_whitespace() => rest,
        Some(_) => return None,
    };
    let is_named = |info: &&CommandInfo| {
        info.name.eq_ignore_ascii_case(name)
            || info.aliases.iter().any(|alias| alias.eq_ignore_ascii_case(name))
    };
    LIST.iter().find(is_named).map(|info| (info, arguments.trim()))
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::{Command, LIST, parse_text};

    #[test]
    fn commands_are_told_from_what_is_meant_for_the_model() {
        let parsed = |text| parse_text(text).map(|(info, rest)| (info.command, rest));
        assert_eq!(parsed("/status"), Some((Command::Status, "")));
        assert_eq!(parsed("  /STATUS \n"), Some((Command::Status, "")));
        assert_eq!(parsed("/status@my_bot"), Some((Command::Status, "")));
        assert_eq!(parsed("/model@my_bot openai/gpt-5 "), Some((Command::Model, "openai/gpt-5")));
        assert_eq!(parsed("/think: high"), Some((Command::Think, "high")));
        assert_eq!(parsed("/reset hello\nthere"), Some((Command::New, "hello\nthere")));
        for text in [
            "status",
            "/",
            "/statuses",
            "/etc/passwd",
            "/status/x",
            "a /status",
            "/no",
            "",
            "//stop",
        ] {
            assert_eq!(parsed(text), None, "{text}");
        }
    }

    #[test]
    fn no_name_is_used_twice() {
        let mut seen = HashSet::new();
        for info in LIST {
            for name in info.aliases.iter().chain([&info.name]) {
                assert!(seen.insert(name), "{name}");
            }
        }
    }
}
