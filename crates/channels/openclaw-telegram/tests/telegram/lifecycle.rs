use std::sync::Arc;
use std::time::Duration;

use openclaw_channel_traits::{Accept, ChannelError, ChannelState};
use openclaw_core::SystemClock;
use openclaw_testkit::ManualClock;
use openclaw_testkit::telegram::{Failure, FakeBot};

use crate::support::{ANN, PATIENCE, Running, Service, TOKEN};

#[tokio::test]
async fn the_account_and_every_round_trip_are_reported() {
    let service = Service::start().await;
    let running = service.connect().await;
    let reports = running.status.reports();
    let states: Vec<_> = reports.iter().map(|report| report.state).collect();
    assert_eq!(states, [ChannelState::Connecting, ChannelState::Connected]);
    assert_eq!(reports[1].account.as_deref(), Some("@fake_bot"));
    // getMe, the first poll, and polls that end without an update.
    running.status.wait_alive(4).await;
    running.stop().await;
}

#[tokio::test]
async fn a_webhook_is_removed() {
    let service = Service::start().await;
    service.bot.set_webhook("https://example.org/hook");
    service.bot.say(ANN, ANN, "waiting");
    let running = service.connect().await;
    running.ingress.wait_for(1).await;
    assert!(!service.bot.has_webhook());
    running.stop().await;
    assert_eq!(service.bot.violations(), Vec::<String>::new());
}

#[tokio::test]
async fn another_poller_ends_the_run_as_a_conflict() {
    let service = Service::start().await;
    let first = service.connect().await;
    let second = service.connect().await;
    let ended = first.ended().await;
    assert!(matches!(ended, Err(ChannelError::Conflict(_))), "{ended:?}");
    second.stop().await;
}

#[tokio::test]
async fn failures_end_the_run_with_what_they_are() {
    let service = Service::start().await;
    for (failure, check) in [
        (
            Failure::Unauthorized,
            (|error| matches!(error, ChannelError::Auth(_))) as fn(&ChannelError) -> bool,
        ),
        (Failure::RateLimited { retry_after: 4 }, |error| {
            matches!(error, ChannelError::Connection { retry_after: Some(pause), .. }
                if *pause == Duration::from_secs(4))
        }),
        (Failure::Drop, |error| matches!(error, ChannelError::Connection { .. })),
        (Failure::Hang, |error| matches!(error, ChannelError::Connection { .. })),
        (Failure::Undecodable, |error| matches!(error, ChannelError::Connection { .. })),
    ] {
        service.bot.fail_next("getUpdates", 1, failure.clone());
        let running = Running::start(service.channel(), &service.media, Arc::new(SystemClock));
        let error = running.ended().await.expect_err("it ends badly");
        assert!(check(&error), "{failure:?}: {error:?}");
    }
}

#[tokio::test]
async fn a_token_that_is_revoked_ends_the_run() {
    let service = Service::start().await;
    let running = service.connect().await;
    service.bot.set_revoked(true);
    let ended = running.ended().await;
    assert!(matches!(ended, Err(ChannelError::Auth(_))), "{ended:?}");
}

#[tokio::test]
async fn what_was_not_confirmed_comes_again_after_a_restart() {
    let service = Service::start().await;
    let running = service.connect().await;
    running.ingress.answer(std::iter::repeat_n(Accept::Busy, 100));
    service.bot.say(ANN, ANN, "keep me");
    running.ingress.wait_for(2).await;
    running.stop().await;
    assert_eq!(service.bot.pending_updates(), 1);

    let running = service.connect().await;
    let events = running.ingress.wait_for(1).await;
    assert_eq!(events[0].content.plain_text(), "keep me");
    let look = |bot: &FakeBot| (bot.pending_updates() == 0).then_some(());
    service.bot.wait_for(look, PATIENCE).await.expect("confirmed in time");
    running.stop().await;
}

#[tokio::test]
async fn a_store_that_stays_busy_gives_the_connection_up() {
    let service = Service::start().await;
    let mut settings = service.settings(TOKEN);
    settings.limits.busy = Duration::from_millis(500);
    let channel = service.channel_with(settings);
    let running = Running::start(channel, &service.media, Arc::new(SystemClock));
    running.ingress.answer(std::iter::repeat_n(Accept::Busy, 1_000));
    service.bot.say(ANN, ANN, "hello");
    let ended = running.ended().await;
    assert!(matches!(ended, Err(ChannelError::Connection { .. })), "{ended:?}");
    assert_eq!(service.bot.pending_updates(), 1);
}

#[tokio::test]
async fn an_offset_is_forgotten_after_a_quiet_week() {
    let service = Service::start().await;
    let clock = Arc::new(ManualClock::default());
    let running = Running::start(service.channel(), &service.media, Arc::clone(&clock) as _);
    service.bot.say(ANN, ANN, "hello");
    running.ingress.wait_for(1).await;
    let with_offset = |bot: &FakeBot| {
        let calls = bot.calls("getUpdates");
        calls.last().filter(|call| call.get("offset").is_some()).map(|_| calls.len())
    };
    let before = service.bot.wait_for(with_offset, PATIENCE).await.expect("it goes on polling");
    clock.advance(Duration::from_secs(7 * 24 * 60 * 60));
    let without_offset = |bot: &FakeBot| {
        let calls = bot.calls("getUpdates");
        calls[before..].iter().any(|call| call.get("offset").is_none()).then_some(())
    };
    service.bot.wait_for(without_offset, PATIENCE).await.expect("it asks for anything");
    running.stop().await;
    assert_eq!(service.bot.violations(), Vec::<String>::new());
}
