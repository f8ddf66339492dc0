use std::time::Duration;

use openclaw_config::ConfigWatcher;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::support::Home;

const PATIENCE: Duration = Duration::from_secs(10);

struct Watching {
    home: Home,
    watcher: ConfigWatcher,
    tracker: TaskTracker,
    stop: CancellationToken,
}

fn watch(home: Home) -> Watching {
    let (tracker, stop) = (TaskTracker::new(), CancellationToken::new());
    let watcher = ConfigWatcher::start(&home.load().expect("loads"), &tracker, stop.clone());
    Watching { home, watcher, tracker, stop }
}

impl Watching {
    async fn sees_a_change(&mut self) -> bool {
        matches!(timeout(PATIENCE, self.watcher.changed()).await, Ok(Some(())))
    }

    /// Nothing is reported for what came before a change that certainly is.
    async fn reports_only(&mut self, certain: &str) {
        self.home.write("openclaw.toml", certain);
        assert!(self.sees_a_change().await);
        let more = timeout(Duration::from_millis(600), self.watcher.changed()).await;
        assert!(more.is_err(), "one change is reported once");
    }
}

#[tokio::test]
async fn writing_replacing_and_removing_are_seen() {
    let mut watching = watch(Home::new());
    watching.home.write("openclaw.toml", "[gateway]\nport = 1\n");
    assert!(watching.sees_a_change().await, "a new file");
    watching.home.write("openclaw.toml", "[gateway]\nport = 2\n");
    assert!(watching.sees_a_change().await, "written in place");
    let other = watching.home.write("other", "[gateway]\nport = 3\n");
    std::fs::rename(other, watching.home.state().join("openclaw.toml")).expect("renamed");
    assert!(watching.sees_a_change().await, "replaced");
    std::fs::remove_file(watching.home.state().join("openclaw.toml")).expect("removed");
    assert!(watching.sees_a_change().await, "removed");
}

#[tokio::test]
async fn a_change_is_told_within_a_second() {
    let mut watching = watch(Home::with("[gateway]\nport = 1\n"));
    watching.home.write("openclaw.toml", "[gateway]\nport = 2\n");
    let told = timeout(Duration::from_secs(1), watching.watcher.changed()).await;
    assert_eq!(told, Ok(Some(())));
}

#[tokio::test]
async fn included_and_secret_files_count_and_others_do_not() {
    let home = Home::with("include = [\"more.toml\"]\n[channels.telegram]\ntoken_file = \"t\"\n");
    home.write("more.toml", "");
    home.write("t", "one");
    let mut watching = watch(home);
    watching.home.write("more.toml", "[gateway]\nport = 4\n");
    assert!(watching.sees_a_change().await, "included");
    watching.home.write("t", "two");
    assert!(watching.sees_a_change().await, "secret");
    watching.home.write("openclaw.db", "data");
    watching.reports_only("[gateway]\nport = 5\n").await;
}

#[tokio::test]
async fn the_same_contents_again_are_no_change() {
    let mut watching = watch(Home::with("[gateway]\nport = 1\n"));
    watching.home.write("openclaw.toml", "[gateway]\nport = 1\n");
    let told = timeout(Duration::from_millis(1_000), watching.watcher.changed()).await;
    assert!(told.is_err(), "{told:?}");
    watching.reports_only("[gateway]\nport = 2\n").await;
}

#[tokio::test]
async fn a_change_between_load_and_watch_is_not_missed() {
    let home = Home::with("[gateway]\nport = 1\n");
    let loaded = home.load().expect("loads");
    home.write("openclaw.toml", "[gateway]\nport = 2\n");
    let (tracker, stop) = (TaskTracker::new(), CancellationToken::new());
    let mut watcher = ConfigWatcher::start(&loaded, &tracker, stop);
    assert_eq!(timeout(PATIENCE, watcher.changed()).await, Ok(Some(())));
}

#[tokio::test]
async fn a_reloaded_configuration_brings_its_own_files() {
    let mut watching = watch(Home::with(""));
    watching.home.write("more.toml", "");
    watching.reports_only("include = [\"more.toml\"]\n").await;
    watching.watcher.follow(&watching.home.load().expect("loads"));
    watching.home.write("more.toml", "[gateway]\nport = 6\n");
    assert!(watching.sees_a_change().await);
}

#[tokio::test]
async fn a_folder_that_does_not_exist_is_looked_at_regularly() {
    let mut home = Home::new();
    home.set("OPENCLAW_STATE_DIR", "~/later");
    let mut watching = watch(home);
    let folder = watching.home.path().join("later");
    std::fs::create_dir(&folder).expect("folder");
    std::fs::write(folder.join("openclaw.toml"), "[gateway]\nport = 9\n").expect("written");
    assert!(watching.sees_a_change().await);
}

#[tokio::test]
async fn watching_ends_with_its_token() {
    let mut watching = watch(Home::new());
    watching.stop.cancel();
    watching.tracker.close();
    timeout(PATIENCE, watching.tracker.wait()).await.expect("the task ends");
    assert_eq!(watching.watcher.changed().await, None);
}
