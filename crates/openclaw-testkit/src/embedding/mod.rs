//! A strict fake of embedding services: OpenAI, Gemini and Ollama on one port.

mod server;

pub use server::EmbeddingServer;
