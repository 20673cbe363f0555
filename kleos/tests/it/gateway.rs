//! `kleos gateway check`.

use crate::home::Home;

const SITES: &str = r#"
[tenants.acme]
[instances.campus-a]
tenant = "acme"
source = "moodle"
allow_from = ["203.0.113.0/24", "loopback"]
[[instances.campus-a.credentials]]
id = "old"
secret = "secret-that-was-good"
not_after = "2020-01-01T00:00:00Z"
[[instances.campus-a.credentials]]
id = "first"
strategy = "body"
secret = "secret-of-the-plugin"
[instances.shop]
tenant = "acme"
source = "custom"
rate_limit = { per_minute = 60, burst = 10 }
[[instances.shop.credentials]]
id = "hmac"
strategy = "atomic-guide"
secret = "secret-of-the-signer"
not_before = "2020-01-01T00:00:00Z"
not_after = "2999-01-01T00:00:00Z"
[gateway]
listen = "127.0.0.1:8080"
trusted_proxies = ["10.0.0.0/8"]
proxy_protocol = true
"#;

#[test]
fn who_may_send_is_told_without_secrets_and_without_starting_anything() {
    let home = Home::new();
    home.write("kleos.toml", SITES);
    let said = home.run(&["gateway", "check"]).fine();
    let expected = "\
webhooks on 127.0.0.1:8080, bodies of up to 1048576 bytes, behind 10.0.0.0/8 with x-forwarded-for and PROXY version 2
rate limits of profile standard: an address 100 a minute and 200 at once, a source 500 a minute and 1000 at once, all 1000 a minute and 2000 at once

campus-a, of tenant acme
  POST /api/public/hook/moodle/event, or /api/public/hook/moodle/campus-a/event
  old    not good since 2020-01-01T00:00:00Z: Authorization: Bearer <secret>
  first  good: the secret in field \"token\" of the body
  only from 203.0.113.0/24, 127.0.0.0/8, ::1/128

shop, of tenant acme
  POST /api/public/hook/custom/event, or /api/public/hook/custom/shop/event
  hmac  good until 2999-01-01T00:00:00Z: x-webhook-signature: sha256=<HMAC-SHA256 of the body, hex>
  60 a minute and 10 at once
";
    assert_eq!(said, expected);
    assert_eq!(std::fs::read_dir(home.path()).unwrap().count(), 1, "the configuration alone");
}

#[test]
fn an_instance_that_nobody_can_send_for_is_a_failure() {
    let home = Home::new();
    home.write("kleos.toml", &SITES.replace("2999", "2021"));
    let said = home.run(&["gateway", "check"]).failed(1);
    assert!(said.contains("nobody can send for shop: no credential is good now"), "{said}");
}
