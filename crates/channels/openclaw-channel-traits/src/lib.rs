//! openclaw-channel-traits
