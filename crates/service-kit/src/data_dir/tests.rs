use std::collections::BTreeMap;

use super::*;

/// Every file with its bytes.
fn snapshot(path: &Path) -> BTreeMap<String, Vec<u8>> {
    fs::read_dir(path)
        .unwrap()
        .map(|entry| entry.unwrap())
        .map(|entry| {
            let bytes = if entry.file_type().unwrap().is_dir() {
                b"(directory)".to_vec()
            } else {
                fs::read(entry.path()).unwrap()
            };
            (entry.file_name().into_string().unwrap(), bytes)
        })
        .collect()
}

#[track_caller]
fn check_refused_untouched(files: &[(&str, &str)], what: &str, remedy: &str) {
    let directory = tempfile::tempdir().unwrap();
    for (name, text) in files {
        fs::write(directory.path().join(name), text).unwrap();
    }
    let before = snapshot(directory.path());
    let error = DataDir::open(directory.path()).unwrap_err();
    assert!(error.to_string().contains(what), "{error}");
    assert!(error.remedy().contains(remedy), "{}", error.remedy());
    assert_eq!(error.class(), Class::Fatal);
    let looked = DataDir::inspect(directory.path()).unwrap_err();
    assert_eq!(looked.to_string(), error.to_string());
    assert_eq!(snapshot(directory.path()), before);
}

#[test]
fn a_first_start_creates_the_directory_and_a_second_finds_it() {
    let parent = tempfile::tempdir().unwrap();
    let path = parent.path().join("var/kleos");
    let first = DataDir::open(&path).unwrap();
    assert_eq!(first.path(), path);
    assert_eq!(fs::read_to_string(first.join(VERSION)).unwrap(), "kleos-data 1\n");
    let pid = format!("pid {}\n", std::process::id());
    assert_eq!(fs::read_to_string(path.join(LOCK)).unwrap(), pid);
    fs::write(first.join("records"), "kept").unwrap();
    drop(first);

    let second = DataDir::open(&path).unwrap();
    assert_eq!(fs::read_to_string(second.join("records")).unwrap(), "kept");
}

#[test]
fn a_directory_in_use_is_refused_with_who_holds_it() {
    let directory = tempfile::tempdir().unwrap();
    let holder = DataDir::open(directory.path()).unwrap();
    let before = snapshot(directory.path());
    let pid = std::process::id();
    let error = DataDir::open(directory.path()).unwrap_err();
    assert!(matches!(error, DataDirError::Held { holder: Some(found), .. } if found == pid));
    assert!(error.to_string().ends_with(&format!("is in use by process {pid}")), "{error}");
    assert!(error.remedy().contains(&format!("stop process {pid}")), "{}", error.remedy());
    DataDir::inspect(directory.path()).unwrap();
    assert_eq!(snapshot(directory.path()), before);

    fs::write(directory.path().join(LOCK), "").unwrap();
    let error = DataDir::open(directory.path()).unwrap_err();
    assert!(error.to_string().ends_with("is in use by another process"), "{error}");
    drop(holder);
    DataDir::open(directory.path()).unwrap();
}

#[test]
fn a_newer_directory_is_refused_with_both_versions_and_left_as_it_is() {
    check_refused_untouched(
        &[("VERSION", "kleos-data 2\n"), ("records", "of the future")],
        "was written by data version 2; this program reads 1",
        "run the version of Kleos that writes data version 2",
    );
}

#[test]
fn a_directory_that_is_not_ours_is_refused_and_left_as_it_is() {
    check_refused_untouched(&[("thesis.tex", "")], "holds \"thesis.tex\"", "empty directory");
    check_refused_untouched(&[("LOCK", ""), ("thesis.tex", "")], "holds \"thesis.tex\"", "empty");
}

#[test]
fn a_version_file_that_says_no_version_is_refused_and_left_as_it_is() {
    for text in ["", "1", "kleos-data", "kleos-data 0\n", "kleos-data one", "kleos-database 1"] {
        check_refused_untouched(&[("VERSION", text)], "instead of \"kleos-data 1\"", "backup");
    }
}

#[test]
fn what_a_killed_first_start_left_behind_is_no_obstacle() {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join(LOCK), "pid 1\n").unwrap();
    fs::write(directory.path().join(VERSION_UNFINISHED), "kleos").unwrap();
    let opened = DataDir::open(directory.path()).unwrap();
    assert_eq!(fs::read_to_string(opened.join(VERSION)).unwrap(), "kleos-data 1\n");
    assert!(!opened.join(VERSION_UNFINISHED).exists());
}

#[test]
fn what_the_system_refuses_is_told_with_path_and_remedy() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("file");
    fs::write(&file, "").unwrap();
    let error = DataDir::open(&file.join("kleos")).unwrap_err();
    assert!(error.to_string().starts_with("cannot create the data directory /"), "{error}");
    assert!(error.remedy().contains("configure a data directory"), "{}", error.remedy());

    let unreadable = directory.path().join("unreadable");
    fs::create_dir_all(unreadable.join(VERSION)).unwrap();
    let error = DataDir::open(&unreadable).unwrap_err();
    assert!(error.to_string().starts_with("cannot read the version file of"), "{error}");

    let unlockable = directory.path().join("unlockable");
    fs::create_dir_all(unlockable.join(LOCK)).unwrap();
    let error = DataDir::open(&unlockable).unwrap_err();
    assert!(error.to_string().starts_with("cannot open the lock file in"), "{error}");
}

#[test]
fn the_remedy_for_rights_names_the_path() {
    let error = io_error("lock", Path::new("/srv/kleos"), io::ErrorKind::PermissionDenied.into());
    assert!(error.remedy().ends_with("the right to read and write /srv/kleos"));
}
