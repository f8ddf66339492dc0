//! openclaw-testkit
