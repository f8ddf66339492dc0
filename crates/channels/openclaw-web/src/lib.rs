//! openclaw-channel-web
