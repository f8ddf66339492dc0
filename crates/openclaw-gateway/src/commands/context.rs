use std::fmt::Write as _;

use openclaw_agents::ContextOverview;
use openclaw_errors::OpenClawError;
use openclaw_sessions::Turn;

use super::CommandDeps;

pub(super) async fn run(deps: &CommandDeps, turn: &Turn) -> Result<String, OpenClawError> {
    Ok(describe(&deps.contexts.overview(turn).await?))
}

fn describe(overview: &ContextOverview) -> String {
    let used: u64 = overview.parts.iter().map(|part| part.tokens).sum();
    let percent = used * 100 / overview.window_tokens.max(1);
    let mut text = format!(
        "Context for {}: about {used} of {} tokens ({percent} %)\n\n",
        overview.model, overview.window_tokens
    );
    for part in &overview.parts {
        // Writing to a string does not fail.
        let _infallible =
            writeln!(text, "- {}: {} bytes, {} tokens", part.name, part.bytes, part.tokens);
    }
    text
}

#[cfg(test)]
mod tests {
    use openclaw_agents::{ContextOverview, ContextPart};

    #[test]
    fn parts_are_listed_with_their_sizes() {
        let part = |name: &str, bytes, tokens| ContextPart { name: name.to_owned(), bytes, tokens };
        let overview = ContextOverview {
            model: "a/b".to_owned(),
            parts: vec![part("base", 2_000, 500), part("conversation", 8_000, 2_000)],
            window_tokens: 10_000,
        };
        insta::assert_snapshot!(super::describe(&overview), @r"
        Context for a/b: about 2500 of 10000 tokens (25 %)

        - base: 2000 bytes, 500 tokens
        - conversation: 8000 bytes, 2000 tokens
        ");
    }
}
