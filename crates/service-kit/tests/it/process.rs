//! A process from its start to its exit code.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};

use crate::child::{Home, Miniature};

const ADMIN: &str = "admin = \"127.0.0.1:0\"";

fn fetch(address: &str, path: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nhost: kleos\r\nconnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[track_caller]
fn check_order(said: &str, texts: &[&str]) {
    let mut rest = said;
    for text in texts {
        let Some((_, after)) = rest.split_once(text) else { panic!("{text} in:\n{said}") };
        rest = after;
    }
}

#[test]
fn a_signal_drains_the_work_and_closes_the_admin_port_last() {
    for signal in ["TERM", "INT"] {
        let home = Home::new();
        let mut process = home.start(ADMIN);
        let address = process.wait_for("the admin port is open address=");
        process.wait_for("ready condition=\"miniature/worker\"");
        assert!(fetch(&address, "/ready").starts_with("HTTP/1.1 200 OK"));
        let metrics = fetch(&address, "/metrics");
        let turns = "kleos_miniature_turns_total{service=\"miniature\"} ";
        assert!(metrics.contains(turns) && metrics.contains("process_threads "), "{metrics}");

        process.signal(signal);
        let (code, said) = process.end();
        assert_eq!(code, Some(0), "{said}");
        let begin = format!("stopping reason=SIG{signal} within=1s");
        check_order(
            &said,
            &[
                &begin,
                "drained turns=",
                "ended component=\"miniature/worker\"",
                "ended component=\"admin\"",
                "stopped",
            ],
        );
        assert!(TcpStream::connect(address).is_err());
    }
}

#[test]
fn who_does_not_stop_in_time_is_named_and_the_process_fails() {
    let home = Home::new();
    let mut process = home.start(&format!("{ADMIN}\nmood = \"stuck\""));
    process.wait_for("ready condition=\"miniature/worker\"");
    process.signal("TERM");
    let (code, said) = process.end();
    assert_eq!(code, Some(1), "{said}");
    assert!(said.ends_with("error: miniature/worker did not stop in time"), "{said}");
}

#[test]
fn a_second_signal_ends_the_process_at_once() {
    let home = Home::new();
    let path = home.data_dir().with_file_name("patient.toml");
    let text = "process.stop_within = \"1h\"\n[miniature]\nadmin = \"127.0.0.1:0\"\n\
                data_dir = \"data\"\nmood = \"stuck\"\n";
    std::fs::write(&path, text).unwrap();
    let mut process = Miniature::start(&[path.to_str().unwrap()]);
    process.wait_for("ready condition=\"miniature/worker\"");
    process.signal("TERM");
    process.wait_for("stopping");
    process.signal("INT");
    let (code, said) = process.end();
    assert_eq!(code, Some(1), "{said}");
    check_order(&said, &["second signal", "interrupted while admin, miniature/worker still ran"]);
}

#[test]
fn a_component_that_fails_or_panics_brings_the_process_down_with_its_reason() {
    for (mood, reason) in
        [("fails", "failed: no space left"), ("panics", "panicked: out of my depth")]
    {
        let home = Home::new();
        let process = home.start(&format!("{ADMIN}\nmood = \"{mood}\""));
        let (code, said) = process.end();
        assert_eq!(code, Some(1), "{said}");
        check_order(&said, &["failed component=\"miniature/worker\"", "ended component=\"admin\""]);
        assert!(said.ends_with(&format!("error: miniature/worker {reason}")), "{said}");
    }
}

#[test]
fn a_process_whose_work_is_done_ends_well() {
    let home = Home::new();
    let (code, said) = home.start(&format!("{ADMIN}\nmood = \"done\"")).end();
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("stopping reason=all work is done"), "{said}");
}

#[test]
fn a_signal_ends_a_start_that_does_not_come_to_its_end() {
    let home = Home::new();
    let mut process = home.start(&format!("{ADMIN}\nmood = \"never starts\""));
    let address = process.wait_for("the admin port is open address=");
    process.wait_for("not ready condition=\"miniature/worker\" because=\"nobody answers\"");
    assert!(fetch(&address, "/ready").contains("nobody answers"));
    process.signal("TERM");
    let (code, said) = process.end();
    assert_eq!(code, Some(0), "{said}");
}

#[test]
fn a_wrong_configuration_binds_nothing_and_creates_nothing() {
    let home = Home::new();
    let (code, said) = home.start("admin = 7\nmodd = \"patient\"").end();
    assert_eq!(code, Some(64), "{said}");
    check_order(
        &said,
        &[
            "error: the configuration has mistakes",
            "kleos.toml:4:9: miniature.admin: found the integer 7",
            "kleos.toml:5:1: miniature.modd: found a key that is not known",
            "did you mean mood?",
            "2 problems in the configuration; nothing was started",
        ],
    );
    assert!(!home.data_dir().exists());
}

#[test]
fn a_port_in_use_is_told_with_its_address_and_the_remedy() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let home = Home::new();
    let (code, said) = home.start(&format!("admin = \"{address}\"")).end();
    assert_eq!(code, Some(1), "{said}");
    check_order(
        &said,
        &[
            &format!(
                "error: cannot listen on {address} for the admin port: Address already in use"
            ),
            &format!("do: stop the process that listens on port {}", address.port()),
        ],
    );
}

#[test]
fn a_wrong_call_is_told_apart_from_a_failure() {
    let (code, said) = Miniature::start(&[]).end();
    assert_eq!((code, said.as_str()), (Some(2), "error: which configuration? Name its file"));
}
