//! The ways in which a sender shows its secret.

use super::*;

/// Four sites that show their secrets in other ways than a token, and one that shows it in two.
fn of_every_strategy() -> Vec<Instance> {
    let place = |name: &'static str, prefix: &str| HeaderPlace {
        name: HeaderName::from_static(name),
        prefix: prefix.to_owned(),
    };
    let signed = |encoding| Strategy::HmacSha256(place("x-signature", "sha256="), encoding);
    let basic = Strategy::Basic { username: "lrs".to_owned() };
    [
        ("basic", vec![credential("a", "basic-secret", basic)]),
        (
            "constant",
            vec![credential("a", "constant-secret", Strategy::Header(place("x-key", "v1=")))],
        ),
        (
            "hex",
            vec![
                credential("a", "hex-secret-1", signed(Encoding::Hex)),
                credential("b", "hex-secret-2", signed(Encoding::Hex)),
            ],
        ),
        ("base64", vec![credential("a", "base64-secret", signed(Encoding::Base64))]),
    ]
    .map(|(id, credentials)| site(id, credentials))
    .into()
}

const CUSTOM: &str = "/api/public/hook/custom/event";
const BODY: &[u8] = b"{\"id\": 1}\n";
// HMAC-SHA256 of the body, as `openssl dgst -sha256 -hmac <secret>` has it.
const SIGNED_1: &str = "f0a1988325571add4aae316d19f763128bc3bdaed4dda0e321c1fac72549bf8d";
const SIGNED_2: &str = "e622b23b283823fd8030bbc5c774c067bd81c8c1f8a420d533e2db2fc75d6bab";
// The body, encoded by gzip, and its signature with the first of the secrets.
const GZIPPED: &str = "1f8b0800000000000203ab56ca4c51b25230ace502007ca553af0a000000";
const SIGNED_GZIPPED: &str = "225dae1ec9605e9b045577508d67ba9997279f6f199e9861e2c0242f267b02ca";
const SIGNED_BASE64: &str = "mFcoXBl6EXdyF44GxhP+F/uEtg1eWk//cjTbM8BlBX0=";

/// Who sends, of those sites, with these header lines.
fn found(path: &str, lines: &[(&str, &str)], body: &[u8]) -> Result<String, Doubt> {
    let mut request = Request::builder().method("POST").uri(path);
    for (name, value) in lines {
        request = request.header(*name, *value);
    }
    let head = request.body(()).unwrap().into_parts().0;
    let door = Door::new(&["custom"], &of_every_strategy(), Proxies::default(), 100);
    let claim = admit(&door, &head, arrival(None, NOW)).map_err(|refusal| doubt(&refusal))?;
    let sender =
        claim.confirm(&mut Content::from(body.to_vec())).map_err(|refusal| doubt(&refusal))?;
    Ok(format!("{} {} {}", sender.instance, sender.secret_id, sender.strategy))
}

fn doubt(refusal: &Refusal) -> Doubt {
    let Refusal::Unauthenticated(doubt) = *refusal else { panic!("{refusal:?}") };
    doubt
}

#[test]
fn a_secret_is_shown_in_the_way_of_its_strategy() {
    let hex = format!("sha256={SIGNED_1}");
    for (line, expected) in [
        // lrs:basic-secret
        (("authorization", "Basic bHJzOmJhc2ljLXNlY3JldA=="), Ok("basic a basic")),
        // other:basic-secret
        (("authorization", "Basic b3RoZXI6YmFzaWMtc2VjcmV0"), Err(Doubt::Unknown)),
        (("authorization", "Bearer basic-secret"), Err(Doubt::Malformed)),
        (("x-key", "v1=constant-secret"), Ok("constant a header")),
        (("x-key", "constant-secret"), Ok("constant a header")),
        (("x-key", "v1=constant-secre"), Err(Doubt::Unknown)),
        (("x-signature", hex.as_str()), Ok("hex a hmac-sha256")),
        (("x-signature", &hex.to_uppercase().replace("SHA256", "sha256")), Ok("hex a hmac-sha256")),
        (("x-signature", SIGNED_2), Ok("hex b hmac-sha256")),
        (("x-signature", SIGNED_BASE64), Ok("base64 a hmac-sha256")),
        (("x-signature", &SIGNED_1.replace('1', "2")), Err(Doubt::NotSigned)),
        (("x-signature", "hex-secret-1"), Err(Doubt::Unknown)),
        (("x-other", "hex-secret-1"), Err(Doubt::Missing)),
    ] {
        assert_eq!(found(CUSTOM, &[line], BODY), expected.map(str::to_owned), "{line:?}");
    }
}

#[test]
fn a_signature_is_of_the_bytes_as_they_came() {
    let line = [("x-signature", SIGNED_1)];
    for body in [&b"{\"id\":1}\n"[..], b"{\"id\": 1}", b"\xef\xbb\xbf{\"id\": 1}\n", b""] {
        assert_eq!(found(CUSTOM, &line, body), Err(Doubt::NotSigned), "{}", body.escape_ascii());
    }
    let twice = [("x-signature", SIGNED_1), ("x-signature", SIGNED_1)];
    assert_eq!(found(CUSTOM, &twice, BODY), Err(Doubt::Malformed));
}

#[test]
fn a_message_of_standard_webhooks_is_signed_with_its_id_and_time() {
    // The example of the reference libraries' tests.
    let secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    let body = b"{\"test\": 2432232314}";
    let signed = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
    // The same, signed by `openssl pkeyutl` with the other half of this key.
    let public = "whpk_TSpS6cyoEugzyJdLw803asMkyKs8dr2NOfuHeiWeUzo=";
    let asymmetric = "v1a,65Xi+iablnNSXppRA2JWizu9fcnfQ/26hfVYc486QqiSUJUPfvn2w+ZgHJoMRZ8P/8x/lyb78gisWrs31U8mCg==";
    let attempt = Timestamp::from_millis(1_614_265_330_000);

    let header = HeaderName::from_static("webhook-signature");
    let place = HeaderPlace { name: header, prefix: String::new() };
    let credentials = vec![
        credential("a", secret, Strategy::StandardWebhooks(place.clone())),
        credential("b", public, Strategy::StandardWebhooks(place)),
    ];
    let instance = site("standard", credentials);
    let door = Door::new(&["custom"], &[instance], Proxies::default(), 100);
    let id = "msg_p5jXN8AQM9LWM0D4loKWxJek";
    let foreign = format!("v1,{} v1a,x", SIGNED_BASE64);
    let both = format!("{foreign} {signed}");
    for (id, seconds, signatures, at, expected) in [
        (id, "1614265330", signed, 0, Ok("a")),
        (id, "1614265330", &both, 299, Ok("a")),
        (id, "1614265330", asymmetric, 0, Ok("b")),
        (id, "1614265330", &format!("{foreign} {asymmetric}"), 0, Ok("b")),
        (id, "1614265331", asymmetric, 0, Err(Doubt::NotSigned)),
        (id, "1614265330", &asymmetric.replace("v1a", "v1"), 0, Err(Doubt::Malformed)),
        (id, "1614265330", asymmetric, 301, Err(Doubt::Stale)),
        (id, "1614265330", &foreign, 0, Err(Doubt::NotSigned)),
        (id, "1614265331", signed, 0, Err(Doubt::NotSigned)),
        ("msg_other", "1614265330", signed, 0, Err(Doubt::NotSigned)),
        (id, "1614265330", signed, 301, Err(Doubt::Stale)),
        (id, "now", signed, 0, Err(Doubt::Malformed)),
    ] {
        let request = Request::builder().method("POST").uri(CUSTOM);
        let request = request.header("webhook-id", id).header("webhook-timestamp", seconds);
        let head = request.header("webhook-signature", signatures).body(()).unwrap().into_parts().0;
        let now = Timestamp::from_micros(attempt.micros() + at * 1_000_000);
        let sender = admit(&door, &head, arrival(None, now))
            .and_then(|claim| claim.confirm(&mut Content::from(body.to_vec())));
        let found = sender.map(|sender| sender.secret_id.as_str());
        let found = found.map_err(|refusal| doubt(&refusal));
        assert_eq!(found, expected, "{id} {seconds} {signatures} {at}");
    }
}

#[test]
fn a_path_may_name_the_one_instance_that_sends_there() {
    let signed = [("x-signature", SIGNED_1)];
    let shown = [("x-key", "constant-secret")];
    let path = |instance: &str| format!("/api/public/hook/custom/{instance}/event");
    assert_eq!(found(&path("hex"), &signed, BODY), Ok("hex a hmac-sha256".to_owned()));
    assert_eq!(found(&path("constant"), &shown, BODY), Ok("constant a header".to_owned()));
    assert_eq!(found(&path("hex"), &shown, BODY), Err(Doubt::OtherInstance));
    assert_eq!(found(&path("constant"), &signed, BODY), Err(Doubt::Unknown));
    assert_eq!(found(&path("no-such"), &signed, BODY), Err(Doubt::Unknown));
}

#[test]
fn a_credential_is_good_from_its_first_moment_to_before_its_last() {
    let at = |micros: i64| Some(Timestamp::from_micros(NOW.micros() + micros));
    for (not_before, not_after, is_good) in [
        (None, None, true),
        (at(0), at(1), true),
        (at(1), None, false),
        (None, at(0), false),
        (at(-2), at(-1), false),
    ] {
        for strategy in ["shown", "signed"] {
            let mut instances = of_every_strategy();
            for credential in instances.iter_mut().flat_map(|instance| &mut instance.credentials) {
                (credential.not_before, credential.not_after) = (not_before, not_after);
            }
            let door = Door::new(&["custom"], &instances, Proxies::default(), 100);
            let (name, value) = if strategy == "shown" {
                ("x-key", "constant-secret")
            } else {
                ("x-signature", SIGNED_1)
            };
            let request = Request::builder().method("POST").uri(CUSTOM).header(name, value);
            let head = request.body(()).unwrap().into_parts().0;
            let claim = admit(&door, &head, arrival(None, NOW))
                .and_then(|claim| claim.confirm(&mut Content::from(BODY.to_vec())));
            assert_eq!(claim.is_ok(), is_good, "{strategy} {not_before:?} {not_after:?}");
        }
    }
}

#[test]
fn where_very_many_may_have_signed_the_path_has_to_say_who() {
    let sites = |count: usize| -> Vec<Instance> {
        let place =
            HeaderPlace { name: HeaderName::from_static("x-signature"), prefix: String::new() };
        let one = |number: usize| {
            let secret = match number {
                0 => "hex-secret-1".to_owned(),
                _ => format!("secret-{number}"),
            };
            let strategy = Strategy::HmacSha256(place.clone(), Encoding::Hex);
            site(&format!("site-{number}"), vec![credential("a", &secret, strategy)])
        };
        (0..count).map(one).collect()
    };
    let sent = |count, path: &str| {
        let request = Request::builder().method("POST").uri(path).header("x-signature", SIGNED_1);
        let head = request.body(()).unwrap().into_parts().0;
        let door = Door::new(&["custom"], &sites(count), Proxies::default(), 100);
        let claim = admit(&door, &head, arrival(None, NOW)).map_err(|refusal| doubt(&refusal))?;
        claim
            .confirm(&mut Content::from(BODY.to_vec()))
            .map(|sender| sender.instance.clone())
            .map_err(|refusal| doubt(&refusal))
    };
    assert_eq!(sent(16, CUSTOM), Ok("site-0".to_owned()));
    assert_eq!(sent(17, CUSTOM), Err(Doubt::InstanceNeeded));
    assert_eq!(sent(17, "/api/public/hook/custom/site-0/event"), Ok("site-0".to_owned()));
}

#[test]
fn a_signature_stays_in_the_record_and_a_constant_does_not() {
    for (name, value, is_kept) in
        [("x-signature", SIGNED_1, true), ("x-key", "v1=constant-secret", false)]
    {
        let request = Request::builder().method("POST").uri(CUSTOM).header(name, value);
        let head = request.body(()).unwrap().into_parts().0;
        let door = Door::new(&["custom"], &of_every_strategy(), Proxies::default(), 100);
        let claim = admit(&door, &head, arrival(None, NOW)).unwrap();
        let sender = claim.confirm(&mut Content::from(BODY.to_vec())).unwrap();
        let client_ip = Ipv4Addr::LOCALHOST.into();
        let content = BODY.to_vec().into();
        let delivery = Delivery { id: "1".to_owned(), received_at: NOW, client_ip, content };
        let record = door.webhook(sender, &claim, &head, delivery);
        assert_eq!(record.headers.iter().any(|header| header.name == name), is_kept, "{name}");
        assert_eq!(record.auth.strategy, sender.strategy);
    }
}

#[test]
fn a_secret_may_be_in_the_query_or_in_the_body() {
    let query = Strategy::Query { parameter: "key".to_owned() };
    let body = |field: &str| Strategy::Body { field: field.to_owned() };
    let sites = [
        ("asked", vec![credential("a", "secret-of-the-asked", query)]),
        ("boxed", vec![credential("a", "secret-of-the-boxed", body("token"))]),
        ("other", vec![credential("a", "secret-of-the-other", body("key"))]),
    ]
    .map(|(id, credentials)| site(id, credentials));
    let door = Door::new(&["custom"], &sites, Proxies::default(), 100);
    let taken_out = |field: &str| format!("{{\"{field}\":\"***\",\"id\":1}}");
    let plain = "{\"id\":1}";
    for (path, body, expected) in [
        ("event?key=secret-of-the-asked", plain, Ok(("asked query", plain.to_owned()))),
        ("event?key=secret-of-the-boxed", plain, Err(Doubt::Missing)),
        ("event?token=secret-of-the-asked", plain, Err(Doubt::Missing)),
        (
            "event",
            r#"{"token":"secret-of-the-boxed","id":1}"#,
            Ok(("boxed body", taken_out("token"))),
        ),
        ("event", r#"{"key":"secret-of-the-other","id":1}"#, Ok(("other body", taken_out("key")))),
        (
            "other/event",
            r#"{"key":"secret-of-the-other","id":1}"#,
            Ok(("other body", taken_out("key"))),
        ),
        // The secret of one in the field of the other.
        ("event", r#"{"key":"secret-of-the-boxed","id":1}"#, Err(Doubt::Unknown)),
        ("event", r#"{"token":"secret-of-the-asked","id":1}"#, Err(Doubt::Unknown)),
        ("other/event", r#"{"token":"secret-of-the-boxed","id":1}"#, Err(Doubt::Missing)),
        ("asked/event", r#"{"token":"secret-of-the-boxed","id":1}"#, Err(Doubt::Missing)),
        ("event", r#"{"token":"","id":1}"#, Err(Doubt::Unknown)),
        ("event", "token=secret-of-the-boxed", Err(Doubt::Malformed)),
    ] {
        let uri = format!("/api/public/hook/custom/{path}");
        let head = Request::builder().method("POST").uri(uri).body(()).unwrap().into_parts().0;
        let mut content = Content::from(body.as_bytes().to_vec());
        let claim = admit(&door, &head, arrival(None, NOW));
        let sender = claim.and_then(|claim| claim.confirm(&mut content));
        let found = sender.map(|sender| {
            let body = String::from_utf8(content.bytes().to_vec()).unwrap();
            (format!("{} {}", sender.instance, sender.strategy), body)
        });
        let found = found.map_err(|refusal| doubt(&refusal));
        let expected = expected.map(|(who, body)| (who.to_owned(), body));
        assert_eq!(found, expected, "{path} {body}");
    }
}

#[test]
fn a_signature_is_of_the_body_as_it_was_sent_or_as_it_was_before_it_was_encoded() {
    // As `gzip -n` and `openssl dgst -sha256 -hmac hex-secret-1` have it.
    let encoded = hex::decode(GZIPPED).unwrap();
    let mut headers = HeaderMap::new();
    headers.append("content-encoding", HeaderValue::from_static("gzip"));
    let mut content = Content::of(&headers, encoded, 100).unwrap();
    for (signature, expected) in [
        (SIGNED_1, Ok("hex".to_owned())),
        (SIGNED_GZIPPED, Ok("hex".to_owned())),
        (SIGNED_2, Ok("hex".to_owned())),
        (&SIGNED_1.replace('f', "e"), Err(Doubt::NotSigned)),
    ] {
        let request = Request::builder().method("POST").uri(CUSTOM);
        let head = request.header("x-signature", signature).body(()).unwrap().into_parts().0;
        let door = Door::new(&["custom"], &of_every_strategy(), Proxies::default(), 100);
        let sender =
            admit(&door, &head, arrival(None, NOW)).and_then(|claim| claim.confirm(&mut content));
        let found = sender.map(|sender| sender.instance.clone()).map_err(|refusal| doubt(&refusal));
        assert_eq!(found, expected, "{signature}");
    }
}
