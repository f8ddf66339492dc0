use std::future::Future;

use http::HeaderMap;
use openclaw_core::IdGen;

/// The header that carries it, both ways.
pub(crate) const HEADER: &str = "x-request-id";
const LONGEST: usize = 128;

tokio::task_local! {
    static CURRENT: String;
}

/// The id of a request over HTTP: the caller's own where it is one, else a fresh one.
pub(crate) fn of_request(headers: &HeaderMap, ids: &dyn IdGen) -> String {
    let given = headers.get(HEADER).and_then(|value| value.to_str().ok());
    let is_id = |text: &&str| {
        (1..=LONGEST).contains(&text.len())
            && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"._:-".contains(&b))
    };
    given.filter(is_id).map_or_else(|| ids.new_id(), str::to_owned)
}

/// Does the work as part of a request; as part of the one it belongs to already, where there is one.
pub(crate) async fn scope<F: Future>(fresh: impl FnOnce() -> String, work: F) -> F::Output {
    match current() {
        Some(_) => work.await,
        None => CURRENT.scope(fresh(), work).await,
    }
}

/// Takes the id into a task of its own.
pub(crate) fn carry<F: Future>(work: F) -> impl Future<Output = F::Output> {
    let id = current();
    async move {
        match id {
            Some(id) => CURRENT.scope(id, work).await,
            None => work.await,
        }
    }
}

/// The request that is worked on.
pub(crate) fn current() -> Option<String> {
    CURRENT.try_with(Clone::clone).ok()
}

#[cfg(test)]
mod tests {
    use super::{HEADER, carry, current, of_request, scope};
    use http::{HeaderMap, HeaderValue};
    use openclaw_core::SystemIds;

    #[tokio::test]
    async fn an_id_follows_the_work_into_its_tasks() {
        let inner = scope(
            || "one".to_owned(),
            scope(|| "two".to_owned(), async {
                let task = tokio::task::spawn_local(carry(async { current() }));
                (current(), task.await.expect("it ends"))
            }),
        );
        let (here, there) = tokio::task::LocalSet::new().run_until(inner).await;
        assert_eq!((here.as_deref(), there.as_deref()), (Some("one"), Some("one")));
        assert_eq!(current(), None);
    }

    #[test]
    fn only_ids_are_taken_from_callers() {
        let id = |given: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(HEADER, HeaderValue::from_static(given));
            of_request(&headers, &SystemIds)
        };
        assert_eq!(id("abc-1"), "abc-1");
        assert_ne!(id("a b"), "a b");
        assert_ne!(id(""), "");
    }
}
