//! openclaw-storage
