use std::time::Duration;

/// Limits of the port. The defaults are what the protocol's documentation says; tests shorten them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ServerLimits {
    /// For a request's head, and for the pause between two requests of a connection.
    pub head: Duration,
    /// For a body of a caller that has not signed in.
    pub small_body: Duration,
    /// For the largest body: a slow line must be able to bring it.
    pub body: Duration,
    /// How long a peer may take nothing of what is sent to it.
    pub stalled_write: Duration,
    /// For signing in on a socket.
    pub sign_in: Duration,
    /// For one message to a socket.
    pub send: Duration,
    /// Between two pings of a socket.
    pub ping_every: Duration,
    /// Bytes of a body or message before sign-in.
    pub bytes_before_sign_in: usize,
    /// Bytes of a body or message after it.
    pub bytes: usize,
    /// Bytes that all connections together may be receiving; small bodies and messages do not count.
    pub bytes_together: usize,
    /// Frames of a socket before sign-in, pings included.
    pub frames_before_sign_in: u32,
    /// Frames of a socket in one second after it, pings and empty ones included.
    pub frames_per_second: u32,
    /// Calls of one socket at work at a time; further ones are read when one is answered.
    pub calls: usize,
    /// Calls of one socket that wait for something to happen; further ones are refused.
    pub waiting_calls: usize,
}

impl Default for ServerLimits {
    fn default() -> Self {
        Self {
            head: Duration::from_secs(10),
            small_body: Duration::from_secs(10),
            body: Duration::from_secs(120),
            stalled_write: Duration::from_secs(30),
            sign_in: Duration::from_secs(10),
            send: Duration::from_secs(10),
            ping_every: Duration::from_secs(30),
            bytes_before_sign_in: 64 << 10,
            bytes: 25 << 20,
            bytes_together: 128 << 20,
            frames_before_sign_in: 64,
            frames_per_second: 5_000,
            calls: 32,
            waiting_calls: 256,
        }
    }
}
