//! openclaw-channel-telegram
