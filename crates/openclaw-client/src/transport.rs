use async_trait::async_trait;

use crate::ClientError;

/// Carries texts both ways, in order.
#[async_trait]
pub trait Transport: Send {
    /// Sends one text.
    async fn send(&mut self, text: String) -> Result<(), ClientError>;

    /// The next text; `None` when the other side is gone. Cancel-safe.
    async fn receive(&mut self) -> Result<Option<String>, ClientError>;

    /// Says goodbye.
    async fn close(&mut self);
}
