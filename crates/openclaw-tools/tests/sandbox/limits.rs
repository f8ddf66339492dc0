use std::time::Duration;

use openclaw_tools::sandbox::{Ending, Host, Room, Sandbox};
use tokio::io::AsyncReadExt;
use tokio::time::Instant;

use crate::support::{Bench, Places, helper, job, room};

pub(crate) async fn s34_a_memory_hog_is_ended(bench: &Bench) {
    let places = Places::new();
    let mut room = bench.room(&places);
    room.limits.memory_bytes = 64 * 1024 * 1024;
    let (_, ending) =
        bench.script(&room, "x=$(head -c 400000000 /dev/zero | tr '\\0' x); echo ${#x}").await;
    assert_eq!(ending, Ending::OutOfMemory);
}

pub(crate) async fn s34_a_fork_bomb_stays_small_and_leaves_nothing(bench: &Bench) {
    let places = Places::new();
    let mut room = bench.room(&places);
    room.limits.processes = 32;
    let bomb = "for i in $(seq 200); do sleep 1000 & done; echo all of them run";
    let outcome = bench.run(&room, job(&["/bin/sh", "-c", bomb])).await;
    let (output, ending) = outcome.expect("it starts");
    let is_stopped = ending == Ending::TooManyProcesses || output.contains("Cannot fork");
    assert!(is_stopped && !output.contains("all of them run"), "{ending:?}: {output}");
}

/// Runs for ever, whatever it is asked; starts a child that leaves the session too.
const STUBBORN: &str =
    "trap '' TERM INT HUP; setsid sleep 5123 & echo started; while true; do sleep 5123; done";

async fn ends_when_dropped(sandbox: &dyn Sandbox, room: Room, places: &Places) {
    let mut job = job(&["/bin/bash", "-c", STUBBORN]);
    job.cwd = if sandbox.is_open() { places.workspace().display().to_string() } else { job.cwd };
    let mut running = sandbox.start(&room, job).await.expect("it starts");
    let mut word = [0; 8];
    running.output.read_exact(&mut word).await.expect("it runs");
    let mut output = running.output;
    drop((running.ending, running.input));
    let began = Instant::now();
    // Every process that held the other end is gone when this ends.
    let mut rest = Vec::new();
    tokio::time::timeout(Duration::from_secs(10), output.read_to_end(&mut rest))
        .await
        .expect("nothing of it is left")
        .expect("read");
    assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
}

pub(crate) async fn s34_a_command_that_ignores_signals_ends_when_nobody_waits_for_it(
    bench: &Bench,
) {
    let places = Places::new();
    ends_when_dropped(bench.engine(), bench.room(&places), &places).await;
}

#[tokio::test]
async fn s34_the_same_holds_on_the_host() {
    let path = ("PATH".to_owned(), "/usr/bin:/bin".to_owned());
    let places = Places::new();
    ends_when_dropped(&Host::new(helper(), vec![path]), room(&places), &places).await;
}

pub(crate) async fn s34_an_endless_output_can_be_cut_off(bench: &Bench) {
    let places = Places::new();
    let job = job(&["/usr/bin/yes", "0123456789abcdef"]);
    let mut running = bench.engine().start(&bench.room(&places), job).await.expect("it starts");
    let mut buffer = vec![0; 1024 * 1024];
    for _ in 0..20 {
        running.output.read_exact(&mut buffer).await.expect("it goes on and on");
    }
    let mut output = running.output;
    drop(running.ending);
    let mut rest = Vec::new();
    let end = tokio::time::timeout(Duration::from_secs(10), output.read_to_end(&mut rest)).await;
    end.expect("it ends").expect("read");
}

pub(crate) async fn what_a_command_leaves_behind_ends_with_it(bench: &Bench) {
    let places = Places::new();
    let (output, ending) =
        bench.script(&bench.room(&places), "(setsid sleep 5123 &) ; echo done").await;
    assert_eq!((output.as_str(), ending), ("done\n", Ending::Code(0)));
}

pub(crate) async fn a_signal_is_told(bench: &Bench) {
    let places = Places::new();
    let (_, ending) = bench.script(&bench.room(&places), "kill -SEGV $$").await;
    assert_eq!(ending, Ending::Signal(11));
}

/// What runs with these words in its arguments.
fn running(words: &str) -> usize {
    let entries = std::fs::read_dir("/proc").expect("processes");
    let is_it = |text: String| text.replace('\0', " ").contains(words);
    entries
        .flatten()
        .filter_map(|entry| std::fs::read_to_string(entry.path().join("cmdline")).ok())
        .filter(|text| is_it(text.clone()))
        .count()
}

async fn until(what: &str, holds: impl Fn() -> bool) {
    let wait = async {
        while !holds() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), wait).await.expect(what);
}

#[tokio::test]
async fn s34_what_nobody_waited_for_while_it_started_does_not_live_on() {
    let places = Places::new();
    let (ready, go, pid) =
        (places.home().join("ready"), places.home().join("go"), places.home().join("pid"));
    // A helper that begins when whoever started it is gone.
    let program = places.home().join("helper");
    let text = format!(
        "#!/bin/sh\necho $$ > {pid}\n: > {ready}\nwhile [ ! -e {go} ]; do /bin/sleep 0.01; done\n\
         exec {helper} \"$@\"\n",
        pid = pid.display(),
        ready = ready.display(),
        go = go.display(),
        helper = env!("CARGO_BIN_EXE_sandbox-helper"),
    );
    std::fs::write(&program, text).expect("written");
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(&program, mode).expect("executable");
    let path = ("PATH".to_owned(), "/usr/bin:/bin".to_owned());
    let host = Host::new(openclaw_tools::sandbox::Helper::program(program), vec![path]);
    let mut job = job(&["/bin/sleep", "51234"]);
    job.cwd = places.workspace().display().to_string();
    let room = room(&places);
    let mut start = Box::pin(host.start(&room, job));
    tokio::select! {
        _ = &mut start => panic!("it cannot have started"),
        () = until("the helper runs", || ready.exists()) => {}
    }
    drop(start);
    let helper = std::fs::read_to_string(&pid).expect("read");
    std::fs::write(&go, "").expect("written");
    let status = std::path::PathBuf::from(format!("/proc/{}/stat", helper.trim()));
    let has_ended = || match std::fs::read_to_string(&status) {
        Ok(text) => text.contains(") Z "),
        Err(_) => true,
    };
    until("the helper ends", has_ended).await;
    assert_eq!(running("sleep 51234"), 0);
}
