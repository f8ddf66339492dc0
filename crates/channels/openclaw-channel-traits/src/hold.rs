use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

/// Whether this gateway holds the account: where several share a store, one at a time does.
///
/// A channel waits for [`Self::held`] before each request that only the holder may make, such as
/// fetching what is confirmed by fetching. A process that stood still finds by its own clock that
/// its hold has run out, before it can ask anybody.
#[derive(Debug, Clone)]
pub struct AccountHold(Option<watch::Receiver<Instant>>);

impl AccountHold {
    /// Of an account that no other gateway can hold.
    pub fn lasting() -> Self {
        Self(None)
    }

    /// Of an account that is held until the moment shown, which its keeper moves on.
    pub fn until(moment: watch::Receiver<Instant>) -> Self {
        Self(Some(moment))
    }

    /// Waits until the account is held. Never ends when it is lost: the channel is cancelled then.
    /// Cancel-safe.
    pub async fn held(&self) {
        let Some(moment) = &self.0 else { return };
        let mut moment = moment.clone();
        while *moment.borrow_and_update() <= Instant::now() {
            if moment.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    }

    /// Waits until the hold has run out. Cancel-safe.
    pub async fn run_out(&self) {
        let Some(moment) = &self.0 else { return std::future::pending().await };
        let moment = moment.clone();
        loop {
            let until = *moment.borrow();
            if until <= Instant::now() {
                return;
            }
            sleep_until(until).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use futures_util::FutureExt as _;
    use tokio::sync::watch;
    use tokio::time::{Instant, advance};

    use super::AccountHold;

    #[tokio::test(start_paused = true)]
    async fn a_hold_runs_out_by_itself_and_comes_back_with_its_keeper() {
        let (keeper, moment) = watch::channel(Instant::now() + Duration::from_secs(15));
        let hold = AccountHold::until(moment);
        hold.held().now_or_never().expect("held");
        assert!(hold.run_out().now_or_never().is_none());
        advance(Duration::from_secs(15)).await;
        assert!(hold.held().now_or_never().is_none());
        hold.run_out().await;
        keeper.send_replace(Instant::now() + Duration::from_secs(1));
        hold.held().now_or_never().expect("held again");
        AccountHold::lasting().held().now_or_never().expect("always held");
    }
}
