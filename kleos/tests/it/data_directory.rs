//! Whose a data directory is, and which version wrote it.

use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use crate::home::{Home, Ports, configuration, free_port, lesson};
use crate::process::Running;
use crate::web;

/// Every file below a directory, and the directory itself: when it changed, and its bytes.
fn snapshot(directory: &Path) -> BTreeMap<PathBuf, (i64, i64, Vec<u8>)> {
    let mut found = BTreeMap::new();
    let mut waiting = vec![directory.to_owned()];
    while let Some(path) = waiting.pop() {
        let metadata = std::fs::metadata(&path).unwrap();
        let mut bytes = Vec::new();
        if metadata.is_dir() {
            let entries = std::fs::read_dir(&path).unwrap();
            waiting.extend(entries.map(|entry| entry.unwrap().path()));
        } else {
            bytes = std::fs::read(&path).unwrap();
        }
        found.insert(path, (metadata.mtime(), metadata.mtime_nsec(), bytes));
    }
    found
}

/// Another process's configuration for the same directory.
fn second(home: &Home) -> Ports {
    let ports = Ports::free();
    let closed = free_port();
    let kafka = format!(
        "[kafka]\nbrokers = \"127.0.0.1:{closed}\"\nregistry = \"http://127.0.0.1:{closed}\"\n"
    );
    home.write("second.toml", &configuration(ports, &kafka));
    ports
}

#[track_caller]
fn check_held(home: &Home, arguments: &[&str], first: &Running) {
    let said = home.run(arguments).failed(1);
    let (pid, data) = (first.pid(), "data");
    for words in [
        format!("error: the data directory {data} is in use by process {pid}"),
        format!("do: stop process {pid}, or give this one a data directory of its own"),
    ] {
        assert!(said.contains(&words), "{arguments:?}: {said}");
    }
}

#[test]
fn a_second_process_on_the_same_directory_is_refused_with_reason_and_remedy() {
    let home = Home::new();
    let first = home.up();
    let ports = second(&home);
    for arguments in [
        &["up", "--config", "second.toml"][..],
        &["rules", "--config", "second.toml"],
        &["state", "--config", "second.toml", "--log", "embedded"],
    ] {
        check_held(&home, arguments, &first);
        assert!(web::try_get(ports.admin, "/live").is_none(), "it went on all the same");
    }
    assert_eq!(home.post(&lesson(1, 1)).status, 202);
    home.wait_for_balance("custom-demo/1", 10);
    first.stop();
    // The lock ended with the process.
    assert_eq!(home.run(&["state"]).fine().lines().count(), 1);
}

#[test]
fn a_directory_of_a_killed_process_is_free() {
    let home = Home::new();
    let first = home.up();
    assert_eq!(home.post(&lesson(1, 1)).status, 202);
    first.signal("KILL");
    assert_eq!(first.end().0, None);
    let second = home.up();
    home.wait_for_balance("custom-demo/1", 10);
    second.stop();
}

#[test]
fn a_directory_of_a_newer_version_is_refused_and_not_a_byte_is_changed() {
    let home = Home::new();
    home.up().stop();
    std::fs::write(home.data().join("VERSION"), "kleos-data 2\n").unwrap();
    second(&home);
    let before = snapshot(&home.data());
    assert!(before.len() > 10, "{:?}", before.keys());
    for arguments in [
        &["up", "--config", "kleos.toml"][..],
        &["up", "--data", "data"],
        &["rules", "--config", "second.toml"],
        &["state"],
        &["tail", "events", "--all", "--end"],
        &["lag"],
    ] {
        let said = home.run(arguments).failed(1);
        for words in [
            "error: the data directory data was written by data version 2; this program reads 1",
            "do: run the version of Kleos that writes data version 2",
        ] {
            assert!(said.contains(words), "{arguments:?}: {said}");
        }
        assert!(snapshot(&home.data()) == before, "{arguments:?} changed the directory");
    }
}

#[test]
fn a_directory_that_is_somebody_elses_is_refused_and_left_alone() {
    let home = Home::new();
    std::fs::create_dir(home.data()).unwrap();
    std::fs::write(home.data().join("thesis.tex"), "\\begin{document}").unwrap();
    let before = snapshot(&home.data());
    for arguments in [&["up", "--config", "kleos.toml"][..], &["up", "--data", "data"]] {
        let said = home.run(arguments).failed(1);
        assert!(said.contains("holds \"thesis.tex\" but no VERSION file"), "{said}");
        assert!(said.contains("do: give Kleos an empty directory"), "{said}");
        assert!(snapshot(&home.data()) == before, "{arguments:?} changed the directory");
    }
}
