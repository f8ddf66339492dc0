//! Whether Pi may run for a session, and with which of its tools.

use openclaw_config::ExecAsk;
use openclaw_tools::ToolPolicy;
use openclaw_tools::commands::CommandRules;

use super::error::PiError;

/// Pi's tools, each with ours whose rules hold for it.
const TOOLS: [(&str, &str); 7] = [
    ("read", "read"),
    ("write", "write"),
    ("edit", "edit"),
    ("bash", "bash"),
    ("grep", "search"),
    ("find", "search"),
    ("ls", "list"),
];

/// The tools that Pi is given.
///
/// # Errors
/// Where commands would have to run in the sandbox: Pi's do not.
pub(super) fn tools(
    rules: &CommandRules,
    policy: &ToolPolicy,
) -> Result<Vec<&'static str>, PiError> {
    if rules.sandboxed {
        return Err(PiError::Refused(
            "its tools run outside the sandbox, which this session's have to run in \
             (agents.sandbox.mode = \"never\" allows it)",
        ));
    }
    let is_allowed = |ours: &str| {
        // Its commands ask nobody, so they run only where nobody has to be asked.
        (ours != "bash" || rules.ask == ExecAsk::Off) && policy.explain(ours).allowed
    };
    Ok(TOOLS.iter().filter(|(_, ours)| is_allowed(ours)).map(|(name, _)| *name).collect())
}

#[cfg(test)]
mod tests {
    use super::tools;
    use openclaw_config::ExecAsk;
    use openclaw_tools::ToolPolicy;
    use openclaw_tools::commands::CommandRules;

    #[test]
    fn the_sandbox_is_never_left_and_what_restricts_holds() {
        let all = ToolPolicy::allow_all();
        assert!(tools(&CommandRules::default(), &all).is_err(), "the default is the sandbox");
        let outside = CommandRules { sandboxed: false, ..CommandRules::default() };
        let unasked = CommandRules { ask: ExecAsk::Off, ..outside.clone() };
        let given = |rules, policy| tools(rules, policy).expect("it may run");
        assert_eq!(given(&outside, &all), ["read", "write", "edit", "grep", "find", "ls"]);
        assert!(given(&unasked, &all).contains(&"bash"));
        let reading = ToolPolicy::allow_all().and("tools", &["read".to_owned()], &[]);
        assert_eq!(given(&unasked, &reading), ["read"]);
        let denied = ToolPolicy::deny_all("the session's settings");
        assert_eq!(given(&unasked, &denied), [""; 0]);
    }
}
