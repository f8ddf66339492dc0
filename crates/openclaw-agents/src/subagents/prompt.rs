use openclaw_core::Session;

/// Tells a subagent what it is; nothing for any other session.
pub(crate) fn instruct(system: &mut String, session: &Session) {
    let Some(spawned) = &session.context.spawned else { return };
    let parent = &spawned.parent;
    system.push_str(&format!(
        "\n# Subagent\n\
         You are a subagent of the session {parent}. You were given one task: do it alone and to its \
         end. No person reads along and nobody answers questions. Your last answer is all that is \
         handed on: say there what you found or did, what failed, and what is left open.\n"
    ));
}
