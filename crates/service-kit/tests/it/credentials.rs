//! The credentials of an instance: every strategy, and every mistake.

use axum::http::HeaderName;
use kleos_service_kit::config::credentials::{Credential, Encoding, HeaderPlace, Strategy};
use kleos_service_kit::config::instances;
use kleos_service_kit::config::tenants::{self, SecretUse};

use crate::config::read_text;

/// Those of one instance, from the lines of each.
fn read(credentials: &[&str]) -> Result<Vec<Credential>, String> {
    let mut text =
        "[tenants.acme]\n[instances.site]\ntenant = \"acme\"\nsource = \"moodle\"\n".to_owned();
    for lines in credentials {
        text.push_str(&format!("[[instances.site.credentials]]\n{lines}\n"));
    }
    let loaded = read_text(&text, |root| {
        let tenants = tenants::read(root, SecretUse::Needed);
        let instances = instances::read(root, &tenants, &["moodle"], SecretUse::Needed);
        instances.into_values().next()
    })?;
    Ok(loaded.value.credentials)
}

fn place(name: &'static str, prefix: &str) -> HeaderPlace {
    HeaderPlace { name: HeaderName::from_static(name), prefix: prefix.to_owned() }
}

/// Good for every strategy.
const WHSEC: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

#[test]
fn a_strategy_is_one_of_the_general_ones_or_a_platforms() {
    let hex = |name, prefix| Strategy::HmacSha256(place(name, prefix), Encoding::Hex);
    for (lines, expected) in [
        ("", Strategy::Bearer),
        ("strategy = \"bearer\"", Strategy::Bearer),
        (
            "strategy = \"basic\"\nusername = \"lrs\"",
            Strategy::Basic { username: "lrs".to_owned() },
        ),
        (
            "strategy = \"header\"\nheader = \"X-Key\"\nprefix = \"v1=\"",
            Strategy::Header(place("x-key", "v1=")),
        ),
        ("strategy = \"query\"", Strategy::Query { parameter: "token".to_owned() }),
        (
            "strategy = \"query\"\nparameter = \"key\"",
            Strategy::Query { parameter: "key".to_owned() },
        ),
        ("strategy = \"body\"", Strategy::Body { field: "token".to_owned() }),
        ("strategy = \"body\"\nfield = \"key\"", Strategy::Body { field: "key".to_owned() }),
        ("strategy = \"hmac-sha256\"\nheader = \"X-Signature\"", hex("x-signature", "")),
        (
            "strategy = \"hmac-sha256\"\nheader = \"x-signature\"\nencoding = \"base64\"",
            Strategy::HmacSha256(place("x-signature", ""), Encoding::Base64),
        ),
        (
            "strategy = \"standard-webhooks\"",
            Strategy::StandardWebhooks(place("webhook-signature", "")),
        ),
        ("strategy = \"thinkific\"", hex("x-thinkific-hmac-sha256", "")),
        (
            "strategy = \"learnworlds\"",
            Strategy::Header(place("learnworlds-webhook-signature", "v1=")),
        ),
        ("strategy = \"learnworlds-hmac\"", hex("learnworlds-webhook-signature", "v1=")),
        ("strategy = \"learnault\"", hex("x-learnault-signature", "sha256=")),
        ("strategy = \"teachfloor\"", hex("teachfloor-signature", "")),
        ("strategy = \"atomic-guide\"", hex("x-webhook-signature", "sha256=")),
    ] {
        let lines = format!("id = \"a\"\nsecret = \"{WHSEC}\"\n{lines}");
        let read = read(&[&lines]).unwrap();
        assert_eq!(read.first().unwrap().strategy, expected, "{lines}");
    }
}

#[test]
fn a_credential_may_have_a_beginning_and_an_end() {
    let lines = "id = \"a\"\nsecret = \"0123456789abcdef\"\n\
                 not_before = \"2027-01-31T00:00:00Z\"\nnot_after = \"2027-02-01T00:00:00+01:00\"";
    let read = read(&[lines]).unwrap();
    let credential = read.first().unwrap();
    assert_eq!(credential.not_before, Some("2027-01-31T00:00:00Z".parse().unwrap()));
    assert_eq!(credential.not_after, Some("2027-01-31T23:00:00Z".parse().unwrap()));
}

#[test]
fn what_a_strategy_lacks_or_has_no_use_for_is_told_at_once() {
    let shown = read(&[
        "id = \"a\"\nsecret = \"0123456789abcdef-a\"\nstrategy = \"basic\"\nheader = \"x-key\"",
        "id = \"b\"\nsecret = \"0123456789abcdef-b\"\nstrategy = \"header\"\nusername = \"lrs\"",
        "id = \"c\"\nsecret = \"0123456789abcdef-c\"\nheader = \"x-key\"\nprefix = \"v1=\"",
        "id = \"d\"\nsecret = \"0123456789abcdef-d\"\nstrategy = \"thinkific\"\nencoding = \"hex\"",
        "id = \"e\"\nsecret = \"0123456789abcdef-e\"\nstrategy = \"header\"\nheader = \"x key\"",
        "id = \"f\"\nsecret = \"0123456789abcdef-f\"\nstrategy = \"hmac-sha1\"",
        "id = \"p\"\nsecret = \"0123456789abcdef/p\"\nstrategy = \"query\"\nfield = \"key\"",
        "id = \"q\"\nsecret = \"0123456789abcdef/q\"\nstrategy = \"body\"\nparameter = \"key\"",
        "id = \"g\"\nsecret = \"0123456789abcdef-c\"\nnot_before = \"tomorrow\"",
        "id = \"g\"\nsecret = \"0123456789abcdef-h\"\n\
         not_before = \"2027-01-31T00:00:00Z\"\nnot_after = \"2027-01-31T00:00:00Z\"",
    ])
    .unwrap_err();
    let needless = "found a setting that the strategy has no use for, expected none";
    for (path, words) in [
        ("0].username", "found nothing, expected the name that goes with the secret"),
        ("0].header", needless),
        ("1].header", "found nothing, expected the name of the header"),
        ("1].username", needless),
        ("2].header", needless),
        ("2].prefix", needless),
        ("3].encoding", needless),
        ("4].header", "found \"x key\", expected the name of a header"),
        ("5].strategy", "found \"hmac-sha1\", expected one of \"bearer\", \"basic\""),
        ("6].field", needless),
        ("6].secret", "found a secret with other characters, expected a secret of A-Z"),
        ("7].parameter", needless),
        ("8].secret", "found the secret of credential \"c\" of instance site"),
        ("8].not_before", "found \"tomorrow\", expected a time, as \"2027-01-31T00:00:00Z\""),
        ("9].id", "found \"g\" a second time"),
        ("9].not_after", "found 2027-01-31T00:00:00Z, expected a time after not_before"),
    ] {
        let expected = format!("instances.site.credentials[{path}: {words}");
        assert!(shown.contains(&expected), "{expected} in:\n{shown}");
    }
    assert!(shown.ends_with("16 problems in the configuration; nothing was started"), "{shown}");
}

#[test]
fn a_secret_of_standard_webhooks_has_a_key() {
    let public = "whpk_TSpS6cyoEugzyJdLw803asMkyKs8dr2NOfuHeiWeUzo=";
    let short = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaQ=";
    let long = format!("whsec_{}", "ab12".repeat(22));
    for (secret, is_fine) in [
        (WHSEC, true),
        (public, true),
        (&public.replace("whpk", "whsk"), false),
        (&public.replace("whpk_TS", "whpk_"), false),
        ("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", false),
        ("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaS", false),
        (short, false),
        (&long, false),
    ] {
        let lines = format!("id = \"a\"\nsecret = \"{secret}\"\nstrategy = \"standard-webhooks\"");
        match read(&[&lines]) {
            Ok(_) => assert!(is_fine, "{secret}"),
            Err(shown) => {
                let words = "expected whsec_ and the base64 of 24 to 64 bytes, or whpk_";
                assert!(!is_fine && shown.contains(words) && !shown.contains(secret), "{shown}");
            }
        }
    }
}
