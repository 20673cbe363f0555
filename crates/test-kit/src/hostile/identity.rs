//! Who sends: secrets that are wrong, twice, elsewhere, or too long.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::rows::{CUSTOM, MOODLE, TOKEN, case, post};
use super::{Case, Step};

const GROUP: &str = "credential";

pub(super) fn cases() -> Vec<Case> {
    let mut cases = proven();
    cases.extend(refused());
    cases.extend(elsewhere());
    cases.extend(nowhere());
    cases
}

fn text(id: u32) -> Vec<u8> {
    format!("[{id}]").into_bytes()
}

fn bearer(token: &str) -> String {
    format!("authorization: Bearer {token}\r\n")
}

fn basic(login: &str) -> String {
    format!("authorization: Basic {}\r\n", STANDARD.encode(login))
}

/// What proves somebody, in a form that is unusual.
fn proven() -> Vec<Case> {
    let rows: [(&str, &str, String, u32); 5] = [
        ("bearer in small letters", MOODLE, format!("authorization: bearer {TOKEN}\r\n"), 600),
        ("bearer with more spaces", MOODLE, format!("AUTHORIZATION:  BEARER   {TOKEN}  \r\n"), 601),
        ("basic", MOODLE, basic("library:password-of-the-library"), 602),
        ("a key in a header", MOODLE, "x-library-key: key-of-the-library\r\n".to_owned(), 603),
        (
            "a path that names the instance",
            "/api/public/hook/moodle/campus/event",
            bearer(TOKEN),
            605,
        ),
    ];
    let mut cases: Vec<Case> = rows
        .into_iter()
        .map(|(name, path, lines, id)| {
            let steps = vec![Step::Send(post(path, &lines, &text(id))), Step::Stored(text(id))];
            case(GROUP, name, steps)
        })
        .collect();
    let path = format!("{MOODLE}?token=parameter-of-the-library&a=1");
    let steps = vec![Step::Send(post(&path, "", &text(606))), Step::Stored(text(606))];
    cases.push(case(GROUP, "a parameter of the query", steps));
    let body = br#"{"event":"a.b","user":{"id":607},"token":"field-of-the-portal"}"#;
    let kept = br#"{"event":"a.b","user":{"id":607},"token":"***"}"#.to_vec();
    let steps = vec![Step::Send(post(CUSTOM, "", body)), Step::Stored(kept)];
    cases.push(case(GROUP, "a field of the body", steps));
    cases
}

/// What proves nobody.
fn refused() -> Vec<Case> {
    let long = bearer(&"x".repeat(8_192));
    let rows: [(&str, &str, String); 24] = [
        ("nothing", MOODLE, String::new()),
        ("an empty line", MOODLE, "authorization:\r\n".to_owned()),
        ("a scheme alone", MOODLE, "authorization: Bearer\r\n".to_owned()),
        ("another scheme", MOODLE, format!("authorization: Token {TOKEN}\r\n")),
        ("no scheme", MOODLE, format!("authorization: {TOKEN}\r\n")),
        ("a tab for the space", MOODLE, format!("authorization: Bearer\t{TOKEN}\r\n")),
        ("twice the same", MOODLE, bearer(TOKEN).repeat(2)),
        ("a good one and a bad one", MOODLE, bearer(TOKEN) + &bearer("nobody")),
        ("two on a line", MOODLE, format!("authorization: Bearer {TOKEN}, Bearer {TOKEN}\r\n")),
        ("in capitals", MOODLE, bearer(&TOKEN.to_uppercase())),
        ("all but the last character", MOODLE, bearer(TOKEN.trim_end_matches('s'))),
        ("one character more", MOODLE, bearer(&format!("{TOKEN}s"))),
        ("in quotes", MOODLE, bearer(&format!("\"{TOKEN}\""))),
        ("percent-encoded", MOODLE, bearer("%74oken-of-the-campus")),
        ("8 KiB", MOODLE, long),
        ("one that is good no more", MOODLE, bearer("token-of-the-past-campus")),
        ("one that is not good yet", MOODLE, bearer("token-of-the-future-campus")),
        ("a token in another header", MOODLE, format!("x-authorization: Bearer {TOKEN}\r\n")),
        ("a token of another source", CUSTOM, bearer(TOKEN)),
        ("another user's password", MOODLE, basic("moodle:password-of-the-library")),
        ("a password without its user", MOODLE, basic(":password-of-the-library")),
        ("basic that is not base64", MOODLE, "authorization: Basic library:pass\r\n".to_owned()),
        ("a password as a token", MOODLE, bearer("password-of-the-library")),
        ("a key of another header", MOODLE, "x-library-key: token-of-the-campus\r\n".to_owned()),
    ];
    let rows = rows.into_iter();
    rows.map(|(name, path, lines)| nobody(name, path, &lines, b"{}")).collect()
}

fn nobody(name: &str, path: &str, lines: &str, body: &[u8]) -> Case {
    let refused = Step::Refused(401, "authentication_failed");
    case(GROUP, name, vec![Step::Send(post(path, lines, body)), refused])
}

/// Secrets in the wrong place.
fn elsewhere() -> Vec<Case> {
    let query = |text: &str| format!("{MOODLE}?{text}");
    vec![
        nobody(
            "a token in the query",
            &query(&format!("access_token={TOKEN}&token={TOKEN}")),
            "",
            b"{}",
        ),
        nobody(
            "a parameter twice",
            &format!("{MOODLE}?token=parameter-of-the-library&token=parameter-of-the-library"),
            "",
            b"{}",
        ),
        nobody(
            "a parameter percent-encoded",
            &format!("{MOODLE}?token=%70arameter-of-the-library"),
            "",
            b"{}",
        ),
        nobody(
            "a field twice",
            CUSTOM,
            "",
            br#"{"token":"field-of-the-portal","token":"field-of-the-portal"}"#,
        ),
        nobody("a field within a field", CUSTOM, "", br#"{"a":{"token":"field-of-the-portal"}}"#),
        nobody("a field of a form", CUSTOM, "", b"token=field-of-the-portal"),
        nobody("a field far too deep", CUSTOM, "", "{\"token\":".repeat(100_000).as_bytes()),
        nobody(
            "an instance of another source",
            "/api/public/hook/moodle/portal/event",
            &bearer(TOKEN),
            b"{}",
        ),
        nobody(
            "an instance that does not exist",
            "/api/public/hook/moodle/nowhere/event",
            &bearer(TOKEN),
            b"{}",
        ),
        nobody(
            "a source that does not exist, of a stranger",
            "/api/public/hook/moodel/event",
            &bearer("nobody"),
            b"{}",
        ),
    ]
}

/// A good secret, and a source that is none.
fn nowhere() -> Vec<Case> {
    let sources = [
        ("that does not exist", "moodel"),
        ("of two dots", ".."),
        ("of two dots and a slash, percent-encoded", "..%2fmoodle"),
        ("in its own name, percent-encoded", "m%6fodle"),
        ("in its own name in capitals", "Moodle"),
        ("in its own name with a letter that only looks alike", "m%D0%BEodle"),
        ("in its own name and a NUL", "moodle%00"),
    ];
    let sources = sources.into_iter();
    sources
        .map(|(name, source)| {
            let path = format!("/api/public/hook/{source}/event");
            let sent = post(&path, &bearer(TOKEN), b"{}");
            let steps = vec![Step::Send(sent), Step::Refused(404, "unknown_source")];
            case(GROUP, &format!("a source {name}"), steps)
        })
        .collect()
}
