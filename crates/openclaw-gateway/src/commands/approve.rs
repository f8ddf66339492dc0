use openclaw_core::Inbound;
use openclaw_tools::approvals::{Approvals, Resolution, Verdict};

use super::{Command, CommandDeps, parse};

/// What `/approve` answers, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Answer {
    id: String,
    verdict: Verdict,
}

impl Answer {
    /// The answer that a message gives, if it is one.
    pub(crate) fn of(inbound: &Inbound) -> Option<Self> {
        let (info, rest) = parse(inbound)?;
        (info.command == Command::Approve).then(|| Self::read(rest)).flatten()
    }

    fn read(text: &str) -> Option<Self> {
        let mut words = text.split_whitespace();
        let (id, verdict, None) = (words.next()?, words.next()?, words.next()) else {
            return None;
        };
        let verdict = match verdict.to_ascii_lowercase().as_str() {
            "allow-once" | "once" | "allow" => Verdict::AllowOnce,
            "allow-always" | "always" => Verdict::AllowAlways,
            "deny" | "no" => Verdict::Deny,
            _ => return None,
        };
        Some(Self { id: id.to_ascii_lowercase(), verdict })
    }

    /// Gives it in the name of whoever wrote the message, of which the caller knows that they are an
    /// owner. Nothing happens where no such request waits.
    pub(crate) fn give(&self, board: &Approvals, inbound: &Inbound) {
        let by = by(inbound);
        match board.resolve(&self.id, self.verdict, &by) {
            Ok(_) => {
                tracing::info!(id = self.id, verdict = ?self.verdict, by, "an approval was answered in a chat");
            }
            Err(error) => {
                tracing::debug!(id = self.id, %error, "an answer in a chat came too late");
            }
        }
    }
}

fn by(inbound: &Inbound) -> String {
    format!("{}:{}", inbound.conversation.channel_id, inbound.sender.id)
}

/// What is said to the answer, which was given when its message was stored.
pub(super) fn run(deps: &CommandDeps, inbound: &Inbound, text: &str) -> String {
    let Some(board) = &deps.approvals else {
        return "No tool asks for approval here.".to_owned();
    };
    let Some(answer) = Answer::read(text) else { return waiting(board) };
    // One that was not stored while a turn was running was not given yet.
    if board.outcome(&answer.id).is_none() {
        answer.give(board, inbound);
    }
    match board.outcome(&answer.id) {
        Some(Resolution::Answered { verdict, .. }) => match verdict {
            Verdict::AllowOnce => "Allowed once.".to_owned(),
            Verdict::AllowAlways => "Allowed always.".to_owned(),
            Verdict::Deny => "Denied.".to_owned(),
        },
        Some(Resolution::Expired) => "Too late: nobody answered within 120 s.".to_owned(),
        Some(Resolution::Withdrawn) => "It does not ask any more.".to_owned(),
        None => format!("No command with the id {} waits for approval.", answer.id),
    }
}

fn waiting(board: &Approvals) -> String {
    let all = board.waiting();
    let lines: Vec<String> = all
        .iter()
        .map(|request| format!("- `{}`: {}", request.id, request.plan.shown().replace('\n', " ")))
        .collect();
    let list = if lines.is_empty() {
        "No command waits for approval.".to_owned()
    } else {
        format!("Commands that wait for approval:\n\n{}", lines.join("\n"))
    };
    format!("{list}\n\nSay `/approve <id> allow-once`, `allow-always` or `deny`.")
}

#[cfg(test)]
mod tests {
    use openclaw_tools::approvals::Verdict;

    use super::Answer;

    #[test]
    fn answers_are_read() {
        let read = |text| Answer::read(text).map(|answer| (answer.id, answer.verdict));
        assert_eq!(read("Ab12 allow-once"), Some(("ab12".to_owned(), Verdict::AllowOnce)));
        assert_eq!(read(" ab12  ALLOW-ALWAYS "), Some(("ab12".to_owned(), Verdict::AllowAlways)));
        assert_eq!(read("ab12 deny"), Some(("ab12".to_owned(), Verdict::Deny)));
        for text in ["", "ab12", "ab12 maybe", "ab12 deny please", "deny"] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
