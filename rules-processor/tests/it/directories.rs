//! Directories that cannot be used, and copies that cannot be believed; on the embedded log.

use std::collections::BTreeMap;
use std::fs::{self, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use kleos_contracts::rule::RuleDefinition;
use kleos_contracts::topic::Topic;
use kleos_event_log::EventLog;
use kleos_rules_processor::{SERVICE, state_directory};
use kleos_service_kit::clock::SystemClock;
use kleos_service_kit::data_dir::{DataDir, DataDirError, VERSION};
use kleos_test_kit::log::{Embedded, TestLog};
use kleos_test_kit::records::read;
use tempfile::{TempDir, tempdir};

use crate::bench::{COURSE_POINTS, course, feed, settings};
use crate::books::Books;
use crate::service::Service;
use crate::suite::keeping::write_to_the_changelog;

const LEARNERS: u32 = 20;
const REMEDY: &str = "Mend the disk, or delete the directory: the state is restored from the log";

/// An embedded log, and the directory of a processor.
struct Bench {
    embedded: Embedded,
    data: TempDir,
}

impl Bench {
    fn log(&self) -> EventLog {
        self.embedded.log()
    }

    fn directory(&self) -> &Path {
        self.data.path()
    }
}

fn bench() -> Bench {
    Bench { embedded: Embedded::start(), data: tempdir().unwrap() }
}

/// A log and the copy that a processor has left behind.
fn bench_with_a_copy() -> Bench {
    let bench = bench();
    let events = course(0..LEARNERS, 0);
    feed(&bench.log(), &events);
    let service = Service::start(&bench.log(), settings(bench.directory(), ""));
    service.wait_for(events.len());
    service.stop();
    bench
}

/// How far the processor has come.
fn committed(log: &EventLog) -> Vec<Option<i64>> {
    let standings = log.progress(SERVICE, Topic::Events).unwrap();
    standings.iter().map(|standing| standing.committed).collect()
}

/// After the directory is deleted, a processor decides about what is left, and pays each once.
#[track_caller]
fn assert_restored(bench: &Bench, events: usize) {
    let log = bench.log();
    fs::remove_dir_all(state_directory(bench.directory())).ok();
    let service = Service::start(&log, settings(bench.directory(), ""));
    service.wait_for(events);
    service.stop();
    let books = Books::read(&log);
    books.assert_agree();
    assert_eq!(books.balances().len(), LEARNERS as usize);
    let expected = 2 * COURSE_POINTS;
    assert!(
        books.balances().values().all(|balance| *balance == expected),
        "{:?}",
        books.balances()
    );
}

/// Files of the copy whose names end or begin so.
fn files(bench: &Bench, is_wanted: impl Fn(&str) -> bool) -> Vec<PathBuf> {
    let entries = fs::read_dir(state_directory(bench.directory())).unwrap();
    let paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    let name = |path: &Path| path.file_name().unwrap().to_str().unwrap().to_owned();
    let wanted: Vec<PathBuf> = paths.into_iter().filter(|path| is_wanted(&name(path))).collect();
    assert!(!wanted.is_empty(), "the copy has such files");
    wanted
}

/// Writes over the beginning of a file, which stays the same file.
fn spoil(path: &Path) {
    let file = OpenOptions::new().write(true).open(path).unwrap();
    let length = file.metadata().unwrap().len().min(512);
    file.write_all_at(&vec![0x5a; usize::try_from(length).unwrap()], 0).unwrap();
}

#[test]
fn a_state_of_another_log_is_refused_with_reason_and_remedy() {
    let (bench, other) = (bench_with_a_copy(), bench());
    feed(&other.log(), &course(0..LEARNERS, 0));
    let service = Service::start(&other.log(), settings(bench.directory(), ""));
    let (component, reason) = service.join();
    assert_eq!(component, "rules-processor/opening");
    let path = state_directory(bench.directory());
    let (own, found) = (bench.log().identity().unwrap(), other.log().identity().unwrap());
    let expected = format!(
        "the state in {} is of the log {own}, this log is {found}: give the process another data \
         directory, or delete that one: the state is restored from the log",
        path.display()
    );
    assert_eq!(reason, expected);
    let books = Books::read(&other.log());
    assert_eq!((books.awards.len(), books.decisions.len(), books.states.len()), (0, 0, 0));
    assert!(read::<RuleDefinition>(&other.log(), Topic::Rules).is_empty());

    // The log that it is of still finds it whole.
    let service = Service::start(&bench.log(), settings(bench.directory(), ""));
    service.wait_until_it_has(4);
    assert_eq!(service.learner(1).body["balance"], COURSE_POINTS);
    service.stop();
}

/// The environment variable that makes this test binary a second process, with the directory.
const SECOND: &str = "KLEOS_RULES_SECOND";

#[test]
fn a_directory_in_use_is_refused_to_a_second_process() {
    let bench = bench_with_a_copy();
    let data = bench.directory().join("held");
    let held = DataDir::open(&data).unwrap();
    let service = Service::start(&bench.log(), settings(held.path(), ""));
    service.wait_until_it_has(4);
    let second = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "directories::second_process", "--nocapture"])
        .env(SECOND, &data)
        .output()
        .unwrap();
    let said = String::from_utf8(second.stdout).unwrap();
    let (path, pid) = (data.display(), std::process::id());
    let expected = format!(
        "the data directory {path} is in use by process {pid}: stop process {pid}, or give this \
         one a data directory of its own"
    );
    assert!(said.contains(&expected), "{said}");
    // Who does not ask is refused by the copy itself.
    let clock = SystemClock::shared();
    let again = Service::try_start("b", &bench.log(), (settings(&data, ""), clock));
    let failure = again.map(|_| ()).unwrap_err().to_string();
    assert!(failure.contains("opening the state in") && failure.contains("lock"), "{failure}");
    service.wait_until_it_has(4);
    service.stop();
}

/// Not a test of its own: what finds the directory in use.
#[test]
fn second_process() {
    if let Some(data) = std::env::var_os(SECOND) {
        let error = DataDir::open(Path::new(&data)).unwrap_err();
        println!("{error}: {}", error.remedy());
    }
}

/// Every file below a directory, with its bytes.
fn snapshot(directory: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut files = BTreeMap::new();
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(snapshot(&path));
        } else {
            files.insert(path.clone(), fs::read(path).unwrap());
        }
    }
    files
}

#[test]
fn a_directory_of_a_newer_version_is_refused_and_not_a_byte_is_changed() {
    let bench = bench();
    let data = bench.directory().join("data");
    let held = DataDir::open(&data).unwrap();
    let service = Service::start(&bench.log(), settings(held.path(), ""));
    service.wait_until_it_has(4);
    service.stop();
    drop(held);
    fs::write(data.join(VERSION), "kleos-data 2\n").unwrap();
    let before = snapshot(&data);
    let error = DataDir::open(&data).unwrap_err();
    assert!(matches!(error, DataDirError::Newer { found: 2, .. }), "{error:?}");
    let remedy = "run the version of Kleos that writes data version 2, or give this one an empty \
                  data directory; nothing was changed";
    assert_eq!(error.remedy(), remedy);
    assert_eq!(snapshot(&data), before);
    assert!(before.len() > 3, "the copy is among the files");
}

#[test]
fn corruption_found_while_it_runs_stops_the_worker_and_nothing_more_is_committed() {
    let bench = bench_with_a_copy();
    let log = bench.log();
    let service = Service::start(&log, settings(bench.directory(), ""));
    service.wait_until_it_has(4);
    for path in files(&bench, |name| name.ends_with(".sst")) {
        spoil(&path);
    }
    let shown = service.learner(1);
    assert_eq!(shown.status, 503, "{shown:?}");
    let before = committed(&log);
    feed(&log, &course(0..LEARNERS, 1));
    let (component, reason) = service.join();
    assert_eq!(component, "rules-processor/worker-0");
    assert!(reason.starts_with("reading the state: Corruption: "), "{reason}");
    assert!(reason.ends_with(REMEDY), "{reason}");
    assert_eq!(committed(&log), before);
    assert_eq!(Books::read(&log).awards.len(), LEARNERS as usize);
    assert_restored(&bench, LEARNERS as usize);
}

#[test]
fn corruption_found_on_opening_is_refused_with_reason_and_remedy() {
    let bench = bench_with_a_copy();
    feed(&bench.log(), &course(0..LEARNERS, 1));
    for path in files(&bench, |name| name.starts_with("MANIFEST")) {
        spoil(&path);
    }
    let setup = (settings(bench.directory(), ""), SystemClock::shared());
    let failure = Service::try_start("a", &bench.log(), setup).map(|_| ()).unwrap_err();
    let failure = failure.to_string();
    assert!(failure.contains("opening the state in"), "{failure}");
    assert!(failure.contains("Corruption: ") && failure.contains(REMEDY), "{failure}");
    assert_eq!(Books::read(&bench.log()).awards.len(), LEARNERS as usize);
    assert_restored(&bench, LEARNERS as usize);
}

/// It is noticed when the copy is brought to the disk, and not only with the next event.
#[test]
fn a_directory_that_goes_away_stops_the_worker() {
    let bench = bench_with_a_copy();
    let log = bench.log();
    let settings = settings(bench.directory(), "flush_interval = \"1s\"");
    let service = Service::start(&log, settings);
    service.wait_until_it_has(4);
    fs::remove_dir_all(state_directory(bench.directory())).unwrap();
    feed(&log, &course(0..1, 1));
    let (component, reason) = service.join();
    assert_eq!(component, "rules-processor/worker-0");
    assert!(reason.starts_with("writing the state: IO error: No such file"), "{reason}");
    assert!(reason.ends_with(REMEDY), "{reason}");
    feed(&log, &course(1..LEARNERS, 1));
    assert_restored(&bench, LEARNERS as usize - 1);
}

#[test]
fn what_somebody_else_writes_to_the_changelog_stops_the_worker() {
    let bench = bench();
    write_to_the_changelog(&bench.log(), None);
    let service = Service::start(&bench.log(), settings(bench.directory(), ""));
    let (component, reason) = service.join();
    assert_eq!(component, "rules-processor/worker-0");
    let expected = "kleos.rules-processor.state.v1/0 offset 0: no key or no value: somebody else \
                    writes to the changelog, or it is of a newer version";
    assert_eq!(reason, expected);
}
