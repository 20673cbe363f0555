//! Two processes and one directory.

use std::fs;
use std::os::unix::fs::MetadataExt;

use kleos_service_kit::data_dir::{DataDir, DataDirError};

use crate::child::Home;

const PATIENT: &str = "admin = \"127.0.0.1:0\"\nmood = \"patient\"";

#[test]
fn a_second_process_is_refused_with_who_holds_the_directory() {
    let home = Home::new();
    let mut first = home.start(PATIENT);
    first.wait_for("ready condition=\"miniature/worker\"");

    let (code, said) = home.start(PATIENT).end();
    assert_eq!(code, Some(1), "{said}");
    let pid = first.pid();
    let directory = home.data_dir().display().to_string();
    let refusal = format!(
        "\nerror: the data directory {directory} is in use by process {pid}\n   do: stop process \
         {pid}, or give this one a data directory of its own"
    );
    assert!(said.ends_with(&refusal), "{said}");
    let error = DataDir::open(&home.data_dir()).unwrap_err();
    assert!(matches!(error, DataDirError::Held { holder: Some(holder), .. } if holder == pid));
}

#[test]
fn a_killed_process_holds_nothing() {
    let home = Home::new();
    let mut first = home.start(PATIENT);
    first.wait_for("ready condition=\"miniature/worker\"");
    assert!(DataDir::open(&home.data_dir()).is_err());
    first.signal("KILL");
    let (code, _) = first.end();
    assert_eq!(code, None);

    let mut second = home.start(PATIENT);
    second.wait_for("ready condition=\"miniature/worker\"");
    second.signal("TERM");
    assert_eq!(second.end().0, Some(0));
    DataDir::open(&home.data_dir()).unwrap();
}

#[test]
fn a_process_leaves_a_newer_directory_as_it_is() {
    let home = Home::new();
    let directory = home.data_dir();
    fs::create_dir(&directory).unwrap();
    fs::write(directory.join("VERSION"), "kleos-data 2\n").unwrap();
    let before = fs::metadata(&directory).unwrap();

    let (code, said) = home.start(PATIENT).end();
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("was written by data version 2; this program reads 1"), "{said}");
    assert!(said.contains("do: run the version of Kleos that writes data version 2"), "{said}");
    let after = fs::metadata(&directory).unwrap();
    assert_eq!((before.mtime(), before.mtime_nsec()), (after.mtime(), after.mtime_nsec()));
    assert_eq!(fs::read_dir(&directory).unwrap().count(), 1);
    assert_eq!(fs::read_to_string(directory.join("VERSION")).unwrap(), "kleos-data 2\n");
}
