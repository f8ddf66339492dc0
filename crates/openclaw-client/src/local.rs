use async_trait::async_trait;
use tokio::sync::mpsc;

use crate::{ClientError, Transport};

/// A gateway in the same process: texts over two bounded channels.
#[derive(Debug)]
pub struct LocalTransport {
    to_gateway: mpsc::Sender<String>,
    from_gateway: mpsc::Receiver<String>,
}

impl LocalTransport {
    /// From the two ends that the gateway gave.
    pub fn new(to_gateway: mpsc::Sender<String>, from_gateway: mpsc::Receiver<String>) -> Self {
        Self { to_gateway, from_gateway }
    }
}

#[async_trait]
impl Transport for LocalTransport {
    async fn send(&mut self, text: String) -> Result<(), ClientError> {
        self.to_gateway.send(text).await.map_err(|_| ClientError::Lost)
    }

    async fn receive(&mut self) -> Result<Option<String>, ClientError> {
        Ok(self.from_gateway.recv().await)
    }

    async fn close(&mut self) {
        self.from_gateway.close();
    }
}
