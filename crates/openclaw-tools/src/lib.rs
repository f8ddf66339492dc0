//! openclaw-tools
