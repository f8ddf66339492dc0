/// The room of a conversation in a model's window.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Window {
    /// Tokens of a request.
    tokens: u64,
    /// Bytes that are taken before the conversation: the system prompt and the tools.
    taken: usize,
    bytes_per_token: f64,
    /// The most bytes of a request, whatever its tokens.
    most_bytes: usize,
}

/// The least room of a conversation in bytes: with less there is none.
const LEAST: usize = 8 * 1024;

impl Window {
    /// A window of so many tokens, of which so many are kept for the answer.
    pub(crate) fn new(window: u64, output: u64, taken: usize, bytes_per_token: f64) -> Self {
        // Messages have frames that are not counted byte by byte.
        let margin = window / 64;
        let tokens = window.saturating_sub(output.min(window / 2)).saturating_sub(margin);
        Self { tokens, taken, bytes_per_token, most_bytes: usize::MAX }
    }

    /// With other bytes per token.
    pub(crate) fn counted(self, bytes_per_token: f64) -> Self {
        Self { bytes_per_token, ..self }
    }

    /// With a request below this size, which was too long.
    pub(crate) fn below(self, too_long: usize) -> Self {
        Self { most_bytes: self.most_bytes.min(too_long / 8 * 7), ..self }
    }

    /// With so many bytes taken.
    pub(crate) fn with_taken(self, taken: usize) -> Self {
        Self { taken, ..self }
    }

    /// The bytes that the conversation may have.
    pub(crate) fn room(&self) -> usize {
        // More than fits a `usize` is as good as its largest.
        let bytes = (self.tokens as f64 * self.bytes_per_token) as usize;
        bytes.min(self.most_bytes).saturating_sub(self.taken).max(LEAST)
    }

    /// The tokens of a request whose conversation has so many bytes.
    pub(crate) fn tokens_with(&self, conversation: usize) -> u64 {
        self.tokens_of(conversation.saturating_add(self.taken))
    }

    /// The tokens of so many bytes.
    pub(crate) fn tokens_of(&self, bytes: usize) -> u64 {
        (bytes as f64 / self.bytes_per_token).ceil() as u64
    }

    /// The most tokens of a request.
    pub(crate) fn tokens(&self) -> u64 {
        self.tokens
    }

    /// The bytes of everything before a conversation.
    pub(crate) fn taken(&self) -> usize {
        self.taken
    }
}

#[cfg(test)]
mod tests {
    use super::Window;

    #[test]
    fn the_room_is_what_is_left_of_the_window() {
        let window = Window::new(32_768, 8_192, 6_000, 3.0);
        assert_eq!(window.tokens(), 32_768 - 8_192 - 512);
        assert_eq!(window.room(), (32_768 - 8_192 - 512) * 3 - 6_000);
        assert!(window.tokens_with(window.room()) <= window.tokens());
        assert_eq!(window.counted(2.0).room(), (32_768 - 8_192 - 512) * 2 - 6_000);
        assert_eq!(window.below(40_000).room(), 35_000 - 6_000);
        assert_eq!(window.with_taken(16_000).room(), window.room() - 10_000);
    }

    #[test]
    fn an_answer_takes_at_most_half_and_some_room_is_left() {
        assert_eq!(Window::new(8_192, 100_000, 0, 3.0).room(), (4_096 - 128) * 3);
        assert_eq!(Window::new(1_024, 512, 20_000, 3.0).room(), 8 * 1024);
    }
}
