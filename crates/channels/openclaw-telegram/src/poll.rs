use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures_util::StreamExt;
use openclaw_channel_traits::{
    Accept, Backoff, ChannelContext, ChannelError, ChannelState, StatusReport,
};
use openclaw_core::{ChatId, Timestamp};
use teloxide::payloads::{AnswerCallbackQuery, DeleteWebhook};
use teloxide::types::CallbackQueryId;

use crate::TimeLimits;
use crate::api::{Answering, BotAccount, CallFailure, Client, GetMe, GetUpdates, Ignored};
use crate::download::Downloader;
use crate::intake::{Complete, complete};
use crate::menu;
use crate::parse::{Draft, Event, Group, event, group};
use crate::wire::{ALLOWED_UPDATES, Update};

/// After a week without updates ids start anew at random, so an old offset might skip some.
const OFFSET_LIFE: Duration = Duration::from_secs(6 * 24 * 60 * 60);

/// How many events have their files fetched at a time; they are handed in in order all the same.
const PARALLEL_EVENTS: usize = 4;

/// The parts of an album are sent within moments of each other.
const ALBUM_PAUSE: Duration = Duration::from_millis(500);

const FIRST_BUSY_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_BUSY_PAUSE: Duration = Duration::from_secs(5);

/// One run: fetches updates and hands them in until something fails.
pub(crate) struct Poll<'a> {
    pub(crate) context: &'a ChannelContext,
    /// For calls that answer at once.
    pub(crate) calls: &'a Client,
    /// For the long poll.
    pub(crate) polls: Client,
    pub(crate) downloader: Downloader,
    pub(crate) limits: TimeLimits,
    pub(crate) unreadable: &'a AtomicU64,
}

/// What was handed in so far.
struct Position {
    /// The next offset; `None` asks for whatever is unconfirmed.
    next: Option<i64>,
    last_update_at: Timestamp,
}

/// An update's outcome before it is handed in.
enum Ready {
    Event(Box<Complete>),
    Migrated { from: i64, to: i64 },
    Nothing,
}

impl Poll<'_> {
    pub(crate) async fn serve(&self) -> Result<(), ChannelError> {
        self.report(ChannelState::Connecting, None);
        let me = self.calls.call(GetMe {}).await.map_err(CallFailure::into_channel)?;
        self.context.status.alive();
        let now = self.context.clock.now();
        let mut position = Position { next: None, last_update_at: now };
        // A poll that does not wait shows that nobody else holds the account.
        let mut batch = self.fetch(&mut position, Duration::ZERO).await?;
        self.report(ChannelState::Connected, Some(me.name()));
        self.show_menu();
        loop {
            self.hand_in(batch, &me, &mut position).await?;
            batch = self.fetch(&mut position, self.limits.poll).await?;
        }
    }

    /// Has Telegram show the chat commands; messages do not wait for that.
    fn show_menu(&self) {
        let (calls, commands) = (self.calls.clone(), self.context.commands.clone());
        if commands.is_empty() {
            return;
        }
        let cancel = self.context.cancel.clone();
        self.context.tasks.spawn(async move {
            // Cancel-safe: a menu that is set by half is set anew at the next connect.
            let shown = tokio::select! {
                biased;
                () = cancel.cancelled() => return,
                shown = menu::show(&calls, &commands) => shown,
            };
            if let Err(failure) = shown {
                let error = failure.into_channel();
                tracing::warn!(%error, "the menu of commands could not be set");
            }
        });
    }

    fn report(&self, state: ChannelState, account: Option<String>) {
        self.context.status.report(StatusReport { state, account, detail: None });
    }

    async fn fetch(
        &self,
        position: &mut Position,
        wait: Duration,
    ) -> Result<Vec<Update>, ChannelError> {
        let now = self.context.clock.now();
        if now.since(position.last_update_at) > OFFSET_LIFE {
            position.next = None;
        }
        let updates = match self.get_updates(position.next, wait).await {
            Err(CallFailure::Conflict(text)) if text.contains("webhook") => {
                tracing::warn!(
                    channel_id = %self.context.channel_id,
                    "a webhook was set for this bot and is removed: updates are polled"
                );
                let delete = Answering::<_, Ignored>::new(DeleteWebhook::new());
                self.calls.call(delete).await.map_err(CallFailure::into_channel)?;
                self.get_updates(position.next, wait).await
            }
            other => other,
        };
        let updates = updates.map_err(CallFailure::into_channel)?;
        self.context.status.alive();
        if !updates.is_empty() {
            position.last_update_at = now;
        }
        let count = updates.len();
        let updates: Vec<Update> = updates.into_iter().filter_map(Update::read).collect();
        if count > 0 && updates.is_empty() {
            // Without an id there is nothing to confirm, and the same would come again at once.
            return Err(ChannelError::Connection {
                message: "the service sent updates without ids".to_owned(),
                retry_after: None,
            });
        }
        Ok(updates)
    }

    async fn get_updates(
        &self,
        offset: Option<i64>,
        wait: Duration,
    ) -> Result<Vec<serde_json::Value>, CallFailure> {
        let request = GetUpdates {
            offset,
            limit: 100,
            timeout: wait.as_secs(),
            allowed_updates: ALLOWED_UPDATES,
        };
        // A poll by two gateways at once ends the other's.
        self.context.hold.held().await;
        self.polls.call(request).await
    }

    /// Hands in a batch in order. Whatever is not handed in is not confirmed and comes again.
    async fn hand_in(
        &self,
        batch: Vec<Update>,
        me: &BotAccount,
        position: &mut Position,
    ) -> Result<(), ChannelError> {
        let groups = self.whole_albums(batch, position).await?;
        let ready = futures_util::stream::iter(groups)
            .map(|group| async move { (group.last_id(), self.prepare(group, me).await) })
            .buffered(PARALLEL_EVENTS);
        let mut ready = std::pin::pin!(ready);
        while let Some((last_id, ready)) = ready.next().await {
            match ready {
                Ready::Event(complete) => self.accept(*complete).await?,
                Ready::Migrated { from, to } => self.migrated(from, to).await,
                Ready::Nothing => {}
            }
            position.next = Some(last_id + 1);
        }
        Ok(())
    }

    /// An album at the end of a batch may go on: after a moment the same updates are fetched again.
    /// Taken apart differently after a crash, its files would come twice or be missing.
    async fn whole_albums(
        &self,
        batch: Vec<Update>,
        position: &mut Position,
    ) -> Result<Vec<Group>, ChannelError> {
        let groups = group(batch);
        if !groups.last().is_some_and(Group::is_album) {
            return Ok(groups);
        }
        tokio::time::sleep(ALBUM_PAUSE).await;
        Ok(group(self.fetch(position, Duration::ZERO).await?))
    }

    async fn prepare(&self, group: Group, me: &BotAccount) -> Ready {
        let update_id = group.last_id();
        match event(group, me) {
            Event::Inbound(draft) => {
                let now = self.context.clock.now();
                let complete = complete(self.addressed(*draft), &self.downloader, now).await;
                Ready::Event(Box::new(complete))
            }
            Event::Migrated { from, to } => Ready::Migrated { from, to },
            Event::Nothing => Ready::Nothing,
            Event::Unreadable { keys, error } => {
                let count = self.unreadable.fetch_add(1, Ordering::Relaxed) + 1;
                tracing::warn!(
                    channel_id = %self.context.channel_id, update_id, ?keys, error, count,
                    "an update cannot be read and is passed over"
                );
                Ready::Nothing
            }
        }
    }

    fn addressed(&self, mut draft: Draft) -> Draft {
        draft.inbound.conversation.channel_id = self.context.channel_id.clone();
        draft
    }

    async fn accept(&self, complete: Complete) -> Result<(), ChannelError> {
        let begin = tokio::time::Instant::now();
        let mut backoff = Backoff::new(FIRST_BUSY_PAUSE, LONGEST_BUSY_PAUSE);
        loop {
            match self.context.ingress.accept(complete.inbound.clone()).await {
                Accept::Busy => {}
                Accept::Accepted { .. }
                | Accept::Noted
                | Accept::Duplicate
                | Accept::Denied { .. } => break,
            }
            if begin.elapsed() >= self.limits.busy {
                return Err(ChannelError::Connection {
                    message: "the store takes no more messages".to_owned(),
                    retry_after: Some(LONGEST_BUSY_PAUSE),
                });
            }
            tokio::time::sleep(backoff.next_delay(&*self.context.rng)).await;
        }
        if let Some(id) = complete.callback {
            self.answer_callback(id);
        }
        Ok(())
    }

    /// Ends the button's spinner; nothing depends on it.
    fn answer_callback(&self, id: String) {
        let calls = self.calls.clone();
        let cancel = self.context.cancel.clone();
        self.context.tasks.spawn(async move {
            let payload = AnswerCallbackQuery::new(CallbackQueryId(id));
            let answer = calls.call(Answering::<_, Ignored>::new(payload));
            tokio::select! {
                () = cancel.cancelled() => {}
                answered = answer => if let Err(error) = answered {
                    tracing::debug!(%error, "a button press was not answered");
                },
            }
        });
    }

    async fn migrated(&self, from: i64, to: i64) {
        match (ChatId::new(from.to_string()), ChatId::new(to.to_string())) {
            (Ok(from), Ok(to)) => {
                self.context.ingress.chat_migrated(&self.context.channel_id, &from, &to).await;
            }
            (Err(error), _) | (_, Err(error)) => {
                tracing::warn!(%error, "a chat moved to an id that is none");
            }
        }
    }
}
