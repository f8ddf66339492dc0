use std::ffi::OsStr;
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use super::{Beneath, Entry, EntryKind, linux, portable};

/// What both platforms must do alike.
fn beneath_keeps_its_promises<F: Beneath>() {
    let outside = tempfile::tempdir().expect("a folder");
    std::fs::write(outside.path().join("secret"), "canary").expect("written");
    let inside = tempfile::tempdir().expect("a folder");
    let root = inside.path();
    std::fs::create_dir(root.join("sub")).expect("made");
    std::fs::write(root.join("sub/file"), "hello").expect("written");
    symlink(outside.path(), root.join("out")).expect("linked");
    symlink("../sub/file", root.join("sub/link")).expect("linked");
    symlink("/proc/self/root", root.join("magic")).expect("linked");

    let folder = F::open_root(root).expect("opened");
    let mut text = String::new();
    let mut file = folder.file(Path::new("sub/file")).expect("opened");
    file.read_to_string(&mut text).expect("read");
    assert_eq!(text, "hello");

    for path in [
        "../x",
        "sub/../../x",
        "out/secret",
        "magic/etc/passwd",
        "/etc/passwd",
        "out",
        "sub/../../../../../../etc/passwd",
    ] {
        assert!(folder.file(Path::new(path)).is_err(), "{path} was opened");
        assert!(folder.folder(Path::new(path)).is_err(), "{path} was opened");
    }
    assert!(folder.link_target(Path::new("out/secret")).is_err());

    let target = folder.link_target(Path::new("sub/link")).expect("read");
    assert_eq!(target.as_deref(), Some(Path::new("../sub/file")));
    assert_eq!(folder.link_target(Path::new("sub/file")).expect("looked at"), None);
    assert_eq!(folder.link_target(Path::new("sub")).expect("looked at"), None);
    let missing = folder.link_target(Path::new("none")).expect_err("missing");
    assert_eq!(missing.kind(), ErrorKind::NotFound);

    let sub = folder.folder(Path::new("sub")).expect("opened");
    let mut entries = sub.entries().expect("listed");
    entries.sort_by(|a, b| a.name.cmp(&b.name));
    let expected = [("file", EntryKind::File), ("link", EntryKind::Link)];
    let expected = expected.map(|(name, kind)| Entry { name: name.into(), kind });
    assert_eq!(entries, expected);

    let [temporary, name] = ["t", "n"].map(OsStr::new);
    let mut made = sub.create(temporary).expect("made");
    made.write_all(b"new").expect("written");
    assert_eq!(sub.create(temporary).expect_err("exists").kind(), ErrorKind::AlreadyExists);
    assert!(sub.create(OsStr::new("link")).is_err(), "a link is not written through");
    sub.rename(temporary, name).expect("renamed");
    sub.sync().expect("synced");
    std::fs::set_permissions(root.join("sub/n"), PermissionsExt::from_mode(0o640)).expect("set");
    let stat = sub.stat(name).expect("looked at");
    assert_eq!((stat.kind, stat.mode, stat.size), (EntryKind::File, 0o640, 3));
    assert_eq!(sub.stat(OsStr::new("link")).expect("looked at").kind, EntryKind::Link);
    sub.remove(name).expect("removed");
    assert_eq!(sub.stat(name).expect_err("gone").kind(), ErrorKind::NotFound);
    sub.make_folder(name).expect("made");
    assert_eq!(sub.stat(name).expect("looked at").kind, EntryKind::Folder);
    assert_eq!(folder.folder(Path::new("")).expect("itself").entries().expect("listed").len(), 3);
}

#[test]
fn openat2_keeps_the_promises() {
    beneath_keeps_its_promises::<linux::Folder>();
}

#[test]
fn cap_std_keeps_the_promises() {
    beneath_keeps_its_promises::<portable::Folder>();
}

fn a_pipe_does_not_hold_up<F: Beneath>() {
    let inside = tempfile::tempdir().expect("a folder");
    let path = inside.path().join("pipe");
    let mode = rustix::fs::Mode::from_raw_mode(0o600);
    rustix::fs::mknodat(rustix::fs::CWD, &path, rustix::fs::FileType::Fifo, mode, 0).expect("made");
    let folder = F::open_root(inside.path()).expect("opened");
    let opened = folder.file(Path::new("pipe")).expect("opened at once");
    assert!(!opened.metadata().expect("looked at").is_file());
    assert_eq!(folder.stat(OsStr::new("pipe")).expect("looked at").kind, EntryKind::Other);
}

#[test]
fn pipes_open_without_a_writer() {
    a_pipe_does_not_hold_up::<linux::Folder>();
    a_pipe_does_not_hold_up::<portable::Folder>();
}
