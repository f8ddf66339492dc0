use std::time::Duration;

use openclaw_channel_traits::BaseUrl;
use openclaw_core::Secret;
use serde::Serialize;
use serde::de::DeserializeOwned;
use teloxide::net::default_reqwest_settings;
use teloxide::requests::{JsonRequest, MultipartPayload, MultipartRequest, Payload, Request};
use teloxide::{Bot, RequestError};

use super::failure::{CallFailure, Salvaged, salvage};
use super::redact::Redactor;
use super::{Answering, Sent};
use crate::TelegramSettings;

/// Makes clients for one bot.
pub(crate) struct Api {
    token: Secret,
    base_url: Option<BaseUrl>,
    redactor: Redactor,
}

impl Api {
    pub(crate) fn new(settings: &TelegramSettings) -> Self {
        Self {
            token: settings.token.clone(),
            base_url: settings.base_url.clone(),
            redactor: Redactor::new(&settings.token),
        }
    }

    /// A client with connections of its own, whose calls take at most this long.
    pub(crate) fn client(&self, limit: Duration) -> Client {
        let mut builder = default_reqwest_settings().timeout(limit);
        if self.base_url.as_ref().is_some_and(|url| url.as_str().starts_with("http://")) {
            // Only this machine is reached so, and no proxy knows the way to it.
            builder = builder.no_proxy();
        }
        let client = builder.build().expect("a client with built-in TLS and roots can be made");
        let mut bot = Bot::with_client(self.token.expose(), client);
        if let Some(url) = &self.base_url {
            // Its text ends without the slash that would double the one before the method.
            let url = url::Url::parse(url.as_str()).expect("the text of a URL is a URL");
            bot = bot.set_api_url(url);
        }
        Client { bot, limit, redactor: self.redactor.clone() }
    }
}

/// Calls the Bot API. Every call ends within the client's limit.
#[derive(Clone)]
pub(crate) struct Client {
    bot: Bot,
    limit: Duration,
    redactor: Redactor,
}

impl Client {
    pub(crate) fn bot(&self) -> &Bot {
        &self.bot
    }

    /// A call whose answer is decoded as the payload says.
    pub(crate) async fn call<P>(&self, payload: P) -> Result<P::Output, CallFailure>
    where
        P: Payload + Serialize + 'static,
        P::Output: DeserializeOwned,
    {
        let request = JsonRequest::new(self.bot.clone(), payload);
        self.within(request.send()).await?.map_err(|error| self.failure(&error))
    }

    /// A call that makes or changes a message.
    pub(crate) async fn send<P>(&self, payload: P) -> Result<Sent, CallFailure>
    where
        P: Payload + Serialize + 'static,
    {
        let payload = Answering::<P, Sent>::new(payload);
        let request = JsonRequest::new(self.bot.clone(), payload);
        self.sent(self.within(request.send()).await?)
    }

    /// A call that makes a message with a file in it.
    pub(crate) async fn upload<P>(&self, payload: P) -> Result<Sent, CallFailure>
    where
        P: MultipartPayload + Serialize + 'static,
    {
        let payload = Answering::<P, Sent>::new(payload);
        let request = MultipartRequest::new(self.bot.clone(), payload);
        self.sent(self.within(request.send()).await?)
    }

    /// A call that makes several messages; gives the first.
    pub(crate) async fn upload_album<P>(&self, payload: P) -> Result<Sent, CallFailure>
    where
        P: MultipartPayload + Serialize + 'static,
    {
        let payload = Answering::<P, Vec<Sent>>::new(payload);
        let request = MultipartRequest::new(self.bot.clone(), payload);
        match self.within(request.send()).await? {
            Ok(sent) => sent
                .first()
                .copied()
                .ok_or_else(|| CallFailure::Uncertain("the answer names no message".to_owned())),
            Err(error) => self.sent(Err(error)),
        }
    }

    fn sent(&self, result: Result<Sent, RequestError>) -> Result<Sent, CallFailure> {
        match result {
            Ok(sent) => Ok(sent),
            Err(RequestError::InvalidJson { raw, .. }) => match salvage(&raw) {
                Salvaged::Sent(id) => Ok(Sent::of_id(id)),
                Salvaged::Failure(failure) => Err(self.cleaned(failure)),
            },
            Err(error) => Err(self.failure(&error)),
        }
    }

    async fn within<T>(&self, call: impl Future<Output = T>) -> Result<T, CallFailure> {
        tokio::time::timeout(self.limit, call).await.map_err(|_| {
            CallFailure::Uncertain(format!("no answer within {}s", self.limit.as_secs()))
        })
    }

    fn failure(&self, error: &RequestError) -> CallFailure {
        self.cleaned(CallFailure::of(error))
    }

    pub(crate) fn cleaned(&self, failure: CallFailure) -> CallFailure {
        failure.map_text(|text| self.redactor.clean(text))
    }

    pub(crate) fn clean(&self, text: &str) -> String {
        self.redactor.clean(text)
    }
}
