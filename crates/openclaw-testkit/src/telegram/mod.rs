//! A strict fake of the Telegram Bot API.
