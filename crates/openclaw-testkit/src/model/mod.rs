//! A scripted model server that speaks OpenAI chat completions and Anthropic messages.
