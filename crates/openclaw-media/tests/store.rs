//! What the store keeps, under which permissions, and what it leaves behind when it fails.

use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, UNIX_EPOCH};

use openclaw_core::{MediaId, MediaRef, Timestamp};
use openclaw_media::{MediaError, MediaStore, Sweep};
use proptest::prelude::*;
use tempfile::TempDir;
use tokio::io::{AsyncRead, ReadBuf};

const HELLO: &str = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";

fn store() -> (TempDir, MediaStore) {
    let folder = tempfile::tempdir().expect("a folder");
    let store = MediaStore::new(folder.path().join("media"));
    (folder, store)
}

/// All files below a folder, as paths relative to it.
fn files(root: &Path) -> Vec<String> {
    let mut found = Vec::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        let Ok(entries) = std::fs::read_dir(&folder) else { continue };
        for entry in entries {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let relative = path.strip_prefix(root).expect("below the root");
                found.push(relative.to_string_lossy().into_owned());
            }
        }
    }
    found.sort();
    found
}

fn mode(path: &Path) -> u32 {
    path.metadata().expect("there").permissions().mode() & 0o777
}

#[tokio::test]
async fn a_file_is_kept_once_under_its_hash_for_the_owner_only() {
    let (_folder, store) = store();
    let first = store.put_bytes(b"hello", Some("../greeting.txt")).await.expect("stored");
    let expected = MediaRef {
        media_id: MediaId::new(HELLO).expect("valid"),
        mime_type: "text/plain".to_owned(),
        file_name: Some("greeting.txt".to_owned()),
        size_bytes: 5,
    };
    assert_eq!(first, expected);
    let again = store.put(&b"hello"[..], 5, None).await.expect("stored");
    assert_eq!(again, MediaRef { file_name: None, ..expected.clone() });
    assert_eq!(files(store.root()), [format!("2c/{HELLO}")]);

    let path = store.path(&first.media_id);
    assert_eq!(path, store.root().join("2c").join(HELLO));
    assert_eq!(mode(&path), 0o600);
    assert_eq!(mode(store.root()), 0o700);
    assert_eq!(mode(&store.root().join("2c")), 0o700);
    assert_eq!(mode(&store.root().join("tmp")), 0o700);

    assert_eq!(store.read(&first.media_id, 5).await.expect("read"), b"hello");
    let described = store.describe(&first.media_id, Some("greeting.txt")).await.expect("there");
    assert_eq!(described, expected);
}

#[tokio::test]
async fn what_is_too_large_or_missing_is_said() {
    let (_folder, store) = store();
    let refused = store.put(&[0_u8; 100_000][..], 99_999, None).await.expect_err("too large");
    assert!(matches!(refused, MediaError::TooLarge { limit: 99_999, .. }), "{refused}");
    assert_eq!(files(store.root()), Vec::<String>::new(), "nothing is left");

    let missing = MediaId::new(HELLO).expect("valid");
    assert!(matches!(store.open(&missing).await, Err(MediaError::NotFound(id)) if id == missing));
    assert!(matches!(store.describe(&missing, None).await, Err(MediaError::NotFound(_))));
    let kept = store.put_bytes(b"hello", None).await.expect("stored").media_id;
    let refused = store.read(&kept, 4).await.expect_err("too large");
    assert_eq!(refused.to_string(), "5 bytes is above the limit of 4 bytes");
}

/// Gives some bytes and then fails.
struct Breaking(bool);

impl AsyncRead for Breaking {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.0 {
            return Poll::Ready(Err(io::Error::other("cable pulled")));
        }
        self.0 = true;
        buffer.put_slice(b"half");
        Poll::Ready(Ok(()))
    }
}

#[tokio::test]
async fn a_source_that_breaks_leaves_nothing() {
    let (_folder, store) = store();
    let failed = store.put(Breaking(false), 1_000, None).await.expect_err("broken");
    assert!(matches!(failed, MediaError::Io { doing: "reading an attachment", .. }), "{failed}");
    assert_eq!(files(store.root()), Vec::<String>::new());

    let mut intake = store.begin(1_000).await.expect("begun");
    intake.write(b"half").await.expect("written");
    assert_eq!(files(store.root()).len(), 1);
    drop(intake);
    assert_eq!(files(store.root()), Vec::<String>::new());
}

#[tokio::test]
async fn a_sweep_removes_what_is_old_and_not_wanted() {
    let (_folder, store) = store();
    let mut ids = Vec::new();
    for text in ["old", "wanted", "renewed", "fresh"] {
        ids.push(store.put_bytes(text.as_bytes(), None).await.expect("stored").media_id);
    }
    let age = |path: &Path| {
        let file = std::fs::File::options().write(true).open(path).expect("opened");
        file.set_modified(UNIX_EPOCH + Duration::from_secs(1_000)).expect("aged");
    };
    for id in &ids[..3] {
        age(&store.path(id));
    }
    store.put_bytes(b"renewed", None).await.expect("stored again");
    let crashed = store.root().join("tmp/.tmpcrashed");
    std::fs::write(&crashed, "half").expect("written");
    age(&crashed);
    let foreign = store.root().join("2c");
    std::fs::create_dir_all(&foreign).expect("made");
    std::fs::write(foreign.join("notes.txt"), "mine").expect("written");
    age(&foreign.join("notes.txt"));

    let moment = Timestamp::from_millis(2_000_000);
    let nothing = store.sweep(Timestamp::from_millis(999_000), &|_| false).await.expect("swept");
    assert_eq!(nothing, Sweep::default());
    let swept = store.sweep(moment, &|id| *id == ids[1]).await.expect("swept");
    assert_eq!(swept, Sweep { files: 2, bytes: 7 });
    assert!(matches!(store.open(&ids[0]).await, Err(MediaError::NotFound(_))));
    for id in &ids[1..] {
        store.open(id).await.expect("kept");
    }
    assert!(!crashed.exists());
    assert!(foreign.join("notes.txt").exists(), "a foreign file is left alone");
}

#[tokio::test]
async fn a_sweep_of_a_store_that_was_never_used_does_nothing() {
    let (_folder, store) = store();
    let moment = Timestamp::from_millis(i64::MAX / 2);
    assert_eq!(store.sweep(moment, &|_| false).await.expect("swept"), Sweep::default());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn any_bytes_in_any_pieces_come_back(pieces in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..20_000), 0..6)) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        runtime.block_on(async {
            let (_folder, store) = store();
            let whole = pieces.concat();
            let mut intake = store.begin(whole.len() as u64).await.expect("begun");
            for piece in &pieces {
                intake.write(piece).await.expect("written");
            }
            let kept = intake.finish(None).await.expect("stored");
            prop_assert_eq!(kept.size_bytes, whole.len() as u64);
            prop_assert_eq!(&store.put_bytes(&whole, None).await.expect("stored"), &kept);
            prop_assert_eq!(&store.describe(&kept.media_id, None).await.expect("there"), &kept);
            prop_assert_eq!(store.read(&kept.media_id, u64::MAX).await.expect("read"), whole);
            Ok(())
        })?;
    }
}
