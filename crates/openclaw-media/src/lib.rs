//! openclaw-media
