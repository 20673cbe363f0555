//! A disk that is full, and a log that is not there; on Kafka.

use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, Stdio};

use kleos_contracts::event::LearningEvent;
use kleos_event_log::EventLog;
use kleos_test_kit::log::{TestLog, log_of_child};
use tempfile::tempdir;

use crate::bench::{COURSE_POINTS, QUERY_TOKEN, course, feed, place, settings};
use crate::books::Books;
use crate::service::Service;

/// The environment variable that makes this test binary a processor on a small disk.
const CHILD: &str = "KLEOS_RULES_SMALL_DISK";

const LEARNERS: u32 = 3_000;

/// Makes `$1` a disk of 2 MiB that only the child sees. Where the system does not allow that, no
/// file of the child can grow beyond some hundred KiB, which a write is told in the same way.
const SMALL_DISK: &str = "if [ \"$0\" = own ] && mount -t tmpfs -o size=2m tmpfs \"$1\"; then :; \
                          else trap '' XFSZ; ulimit -f 512; fi; shift; exec \"$@\"";

/// Learners with a long memory: each has some KiB that cannot be compressed.
fn long_events() -> Vec<LearningEvent> {
    let mut noise = 1_u64;
    let mut events = course(0..LEARNERS, 0);
    for event in &mut events {
        let mut id = String::new();
        while id.len() < 1_000 {
            noise = noise.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            id.push_str(&format!("{:08x}", noise >> 32));
        }
        event.context.course = place(&id);
    }
    events
}

pub(crate) fn a_full_disk_stops_the_worker_and_what_it_had_is_restored(bench: &dyn TestLog) {
    let log = bench.log();
    let events = long_events();
    for part in events.chunks(500) {
        feed(&log, part);
    }
    let (small, large) = (tempdir().unwrap(), tempdir().unwrap());
    let said = run_on_a_small_disk(bench, small.path());
    let expected = "ended: rules-processor/worker-0: writing the state: IO error: ";
    assert!(said.contains(expected), "{said}");
    assert!(said.contains("No space left on device") || said.contains("File too large"), "{said}");
    assert!(said.contains("Mend the disk, or delete the directory"), "{said}");

    let books = Books::read(&log);
    books.assert_agree();
    let done = books.decisions.len();
    assert!((1..events.len()).contains(&done), "{done} were decided before the disk was full");
    let service = Service::start(&log, settings(large.path(), ""));
    service.wait_for(events.len() - done);
    service.stop();
    let books = Books::read(&log);
    books.assert_agree();
    assert_eq!(books.balances().len(), LEARNERS as usize);
    assert!(books.balances().values().all(|balance| *balance == COURSE_POINTS));
}

/// What the child said before it ended.
fn run_on_a_small_disk(bench: &dyn TestLog, small: &Path) -> String {
    let has_own_mounts =
        Command::new("unshare").args(["-m", "true"]).status().is_ok_and(|status| status.success());
    let mut command = if has_own_mounts {
        let mut command = Command::new("unshare");
        command.args(["-m", "sh", "-c", SMALL_DISK, "own"]);
        command
    } else {
        let mut command = Command::new("sh");
        command.args(["-c", SMALL_DISK, "shared"]);
        command
    };
    let output = command
        .arg(small)
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", "disk::child", "--nocapture"])
        .env(CHILD, small)
        .envs([bench.environment()])
        .stderr(Stdio::null())
        .output()
        .unwrap();
    String::from_utf8(output.stdout).unwrap()
}

/// Not a test of its own: what runs until its disk is full.
#[test]
fn child() {
    if let Some(data) = std::env::var_os(CHILD) {
        let more = "batch_records = 50\nflush_interval = \"1h\"";
        let service = Service::start(&log_of_child(), settings(Path::new(&data), more));
        let (component, reason) = service.join();
        println!("ended: {component}: {reason}");
    }
}

pub(crate) fn without_a_log_it_waits_and_says_for_what(log: &EventLog) {
    let data = tempdir().unwrap();
    let mut settings = settings(data.path(), "");
    // It cannot tell its address where there is no log: one that no other process has.
    let [_, _, high, low] = std::process::id().to_be_bytes();
    settings.listen = SocketAddr::from(([127, 99, high, low], 8081));
    let url = format!("http://{}/v1/tenants/acme/learners/campus-a%2F1", settings.listen);
    let service = Service::start(log, settings);
    service.wait_until("it says what it waits for", |process| {
        let report = process.readiness.report();
        let of_log = report.conditions.iter().find(|one| one.name == "rules-processor/rules");
        let because = of_log.and_then(|one| one.because.as_deref());
        !report.ready && because.is_some_and(|because| because != "starting")
    });
    let answer = service.send(service.client().get(url).bearer_auth(QUERY_TOKEN));
    assert_eq!((answer.status, &answer.body["error"]), (503, &"unavailable".into()));
    assert_eq!(answer.body["message"], "the log does not answer yet");
    service.stop();
}
