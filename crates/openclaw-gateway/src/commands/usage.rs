use openclaw_core::Session;

pub(super) fn run(session: &Session) -> String {
    let (usage, runs) = (&session.context.usage, session.context.runs);
    format!(
        "This session: {runs} turns, {} model calls, {} tokens in ({} of them cached), {} tokens out.",
        usage.model_calls, usage.input_tokens, usage.cache_read_tokens, usage.output_tokens
    )
}
