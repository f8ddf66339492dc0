//! Alone in its process: the largest file the process may write stands in for a full disk.

use std::error::Error;

use openclaw_media::{MediaError, MediaStore};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::signal::unix::SignalKind;

#[tokio::test]
async fn a_full_disk_is_said_and_leaves_no_half_file() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = MediaStore::new(folder.path());
    // Without this the signal that goes with the limit would end the process.
    let mut signals = tokio::signal::unix::signal(SignalKind::from_raw(25)).expect("SIGXFSZ");
    let before = getrlimit(Resource::Fsize);
    setrlimit(Resource::Fsize, Rlimit { current: Some(4096), ..before }).expect("limited");
    let outcome = store.put_bytes(&[7; 300_000], None).await;
    setrlimit(Resource::Fsize, before).expect("as before");
    signals.recv().await.expect("the limit was met");
    let error = outcome.expect_err("the disk is full");
    assert!(matches!(error, MediaError::Io { doing: "writing an attachment", .. }), "{error}");
    assert_eq!(error.to_string(), "the media store failed while writing an attachment");
    let source = error.source().expect("has one").to_string();
    assert!(source.starts_with("File too large"), "{source}");
    let left = std::fs::read_dir(folder.path().join("tmp")).expect("listed").count();
    assert_eq!(left, 0);
    store.put_bytes(&[7; 300_000], None).await.expect("works again");
}
