use kleos_service_kit::config::{self, Environment};

use super::*;

/// What `[sink]` means, or every problem as path and remedy.
fn read(fragment: &str) -> Result<Settings, Vec<String>> {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("kleos.toml");
    std::fs::write(&path, format!("[sink]\n{fragment}")).unwrap();
    let environment = Environment::given([("MIXPANEL_SECRET", "sesame")]);
    config::read(&path, &environment, |root| Settings::read(&root.section("sink")))
        .map(|loaded| loaded.value)
        .map_err(|problems| {
            let shown = |problem: &config::Problem| format!("{}: {}", problem.path, problem.found);
            problems.as_slice().iter().map(shown).collect()
        })
}

#[track_caller]
fn check_refused(fragment: &str, expected: &[&str]) {
    assert_eq!(read(fragment).map(|_| ()).unwrap_err(), expected, "{fragment}");
}

#[test]
fn without_credentials_the_sink_is_off() {
    for fragment in ["", "region = \"eu\"", "project_id = \"12345\"\nevents = true"] {
        assert!(read(fragment).unwrap().destination.is_none(), "{fragment}");
    }
    let disabled = "enabled = false\nregion = \"eu\"\ntoken = \"t\"";
    assert!(read(disabled).unwrap().destination.is_none());
}

#[test]
fn a_service_account_or_a_token_turns_it_on() {
    let account = read(
        "region = \"in\"\nproject_id = \"12345\"\nusername = \"kleos\"\n\
         secret = { env = \"MIXPANEL_SECRET\" }",
    );
    let destination = account.unwrap().destination.unwrap();
    assert_eq!(destination.url.as_str(), "https://api-in.mixpanel.com/");
    assert_eq!(destination.project_id.as_deref(), Some("12345"));
    assert!(!format!("{destination:?}").contains("sesame"));
    let Credentials::ServiceAccount { username, secret } = destination.credentials else {
        panic!("an account")
    };
    assert_eq!((username.as_str(), secret.expose()), ("kleos", "sesame"));

    let token = read("url = \"http://127.0.0.1:9470/\"\ntoken = \"t\"");
    let destination = token.unwrap().destination.unwrap();
    assert_eq!(destination.url.as_str(), "http://127.0.0.1:9470/");
    assert!(matches!(destination.credentials, Credentials::Token(token) if token.expose() == "t"));
}

#[test]
fn what_is_not_said_has_a_default() {
    let settings = read("").unwrap();
    assert!(!settings.events);
    assert_eq!(settings.distinct_id, DistinctId::UserKey);
    assert_eq!((settings.batch_records, settings.batch_bytes), (2_000, 1_572_864));
    assert_eq!((settings.workers, settings.request_interval), (2, Duration::from_secs(1)));
    assert_eq!(settings.pace, Pace::VENDOR);
    let settings = read(
        "events = true\ndistinct_id = \"user_id\"\nbatch_records = 10\nbatch_bytes = \"64KiB\"\n\
         request_interval = \"0ms\"\nworkers = 8",
    )
    .unwrap();
    assert!(settings.events);
    assert_eq!(settings.distinct_id, DistinctId::UserId);
    assert_eq!((settings.batch_records, settings.batch_bytes), (10, 65_536));
    assert_eq!((settings.workers, settings.request_interval), (8, Duration::ZERO));
}

#[test]
fn half_a_login_and_two_of_them_are_refused() {
    let region = "region = \"us\"\n";
    let check = |lines: &str, expected| check_refused(&format!("{region}{lines}"), expected);
    let account = "username = \"kleos\"\nsecret = \"s\"\n";
    check(account, &["sink.project_id: nothing"]);
    check("username = \"kleos\"", &["sink.secret: nothing"]);
    check("secret = \"s\"", &["sink.username: nothing"]);
    let both = format!("{account}project_id = \"12345\"\ntoken = \"t\"");
    check(&both, &["sink.token: a token beside an account"]);
}

#[test]
fn where_to_send_must_be_said_and_said_once() {
    check_refused("token = \"t\"", &["sink.region: nothing"]);
    check_refused(
        "token = \"t\"\nregion = \"us\"\nurl = \"https://proxy\"",
        &["sink.url: an address beside a region"],
    );
    check_refused(
        "token = \"t\"\nurl = \"https://me:sesame@proxy\"",
        &["sink.url: an address with a login"],
    );
}

#[test]
fn every_mistake_is_told_at_once() {
    let fragment = "region = \"mars\"\nbatch_records = 2001\nbatch_bytes = \"11MiB\"\n\
                    workers = 0\nrequest_interval = \"1h\"\ndistinct_id = \"email\"\n\
                    events = 1\npace = 1";
    let problems = read(fragment).map(|_| ()).unwrap_err();
    let paths: Vec<_> = problems.iter().map(|problem| problem.split_once(':').unwrap().0).collect();
    let expected = [
        "region",
        "batch_records",
        "batch_bytes",
        "workers",
        "request_interval",
        "distinct_id",
        "events",
        "pace",
    ];
    assert_eq!(paths, expected.map(|key| format!("sink.{key}")));
}
