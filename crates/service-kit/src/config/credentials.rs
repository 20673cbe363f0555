//! `[[instances.<id>.credentials]]`: the secrets that senders prove themselves with.

use axum::http::HeaderName;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::VerifyingKey;
use kleos_contracts::time::Timestamp;

use crate::config::document::Value;
use crate::config::tenants::TOKEN_LENGTH_MIN;
use crate::config::{Secret, Section};

/// A secret with a name, so that records can say which one it was, and how a sender shows that it
/// has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credential {
    /// Its name, unique within the instance.
    pub id: String,
    /// How it is shown.
    pub strategy: Strategy,
    /// What the sender has.
    pub secret: Secret,
    /// From when on it is good.
    pub not_before: Option<Timestamp>,
    /// From when on it is good no more.
    pub not_after: Option<Timestamp>,
}

impl Credential {
    /// Whether it is good at a time.
    #[must_use]
    pub fn is_good(&self, now: Timestamp) -> bool {
        self.not_before.is_none_or(|first| first <= now)
            && self.not_after.is_none_or(|end| now < end)
    }
}

/// How a sender shows that it has a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Strategy {
    /// As `Authorization: Bearer <secret>`.
    Bearer,
    /// As `Authorization: Basic`, the secret being the password.
    Basic {
        /// Whose password it is.
        username: String,
    },
    /// As it is, in a header.
    Header(HeaderPlace),
    /// As it is, in a parameter of the query.
    Query {
        /// The parameter.
        parameter: String,
    },
    /// As it is, in a field of the object that the body is.
    Body {
        /// The field.
        field: String,
    },
    /// By the HMAC-SHA256 of the body's bytes under it, in a header.
    HmacSha256(HeaderPlace, Encoding),
    /// As Standard Webhooks has it: by a signature of `id.timestamp.body`, in a header's list.
    StandardWebhooks(HeaderPlace),
}

/// How a parameter or a field with a secret is called, usually.
const TOKEN: &str = "token";

/// The key that a secret of Standard Webhooks stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StandardKey {
    /// `whsec_`: sender and receiver share it; for signatures of version `v1`.
    Shared(Vec<u8>),
    /// `whpk_`: the public half of the sender's, of Ed25519; for signatures of version `v1a`.
    Public(VerifyingKey),
}

/// How many bytes a shared key has.
const STANDARD_KEY_BYTES: std::ops::RangeInclusive<usize> = 24..=64;

impl StandardKey {
    /// The key of a secret, if it is of the form.
    #[must_use]
    pub fn of(secret: &Secret) -> Option<Self> {
        let (kind, encoded) = secret.expose().split_once('_')?;
        let key = STANDARD.decode(encoded).ok()?;
        match kind {
            "whsec" if STANDARD_KEY_BYTES.contains(&key.len()) => Some(Self::Shared(key)),
            "whpk" => {
                let key: [u8; 32] = key.try_into().ok()?;
                VerifyingKey::from_bytes(&key).ok().map(Self::Public)
            }
            _ => None,
        }
    }
}

/// Where in a head something stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeaderPlace {
    /// The header.
    pub name: HeaderName,
    /// What may stand before it in the header's value.
    pub prefix: String,
}

/// How bytes are written in a header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// Two digits for each byte, of either case.
    Hex,
    /// With the alphabet of RFC 4648, section 4.
    Base64,
}

/// What a word for a strategy stands for.
#[derive(Clone, Copy, Debug)]
struct Word {
    kind: Kind,
    /// Where it does not say itself.
    header: Option<&'static str>,
    prefix: &'static str,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Bearer,
    Basic,
    Header,
    Query,
    Body,
    Hmac,
    StandardWebhooks,
}

const fn plain(kind: Kind) -> Word {
    Word { kind, header: None, prefix: "" }
}

const fn of_platform(kind: Kind, header: &'static str, prefix: &'static str) -> Word {
    Word { kind, header: Some(header), prefix }
}

/// The general ones, then those of platforms as the platforms send them.
const WORDS: &[(&str, Word)] = &[
    ("bearer", plain(Kind::Bearer)),
    ("basic", plain(Kind::Basic)),
    ("header", plain(Kind::Header)),
    ("query", plain(Kind::Query)),
    ("body", plain(Kind::Body)),
    ("hmac-sha256", plain(Kind::Hmac)),
    ("standard-webhooks", of_platform(Kind::StandardWebhooks, "webhook-signature", "")),
    ("thinkific", of_platform(Kind::Hmac, "x-thinkific-hmac-sha256", "")),
    ("learnworlds", of_platform(Kind::Header, "learnworlds-webhook-signature", "v1=")),
    ("learnworlds-hmac", of_platform(Kind::Hmac, "learnworlds-webhook-signature", "v1=")),
    ("learnault", of_platform(Kind::Hmac, "x-learnault-signature", "sha256=")),
    ("teachfloor", of_platform(Kind::Hmac, "teachfloor-signature", "")),
    ("atomic-guide", of_platform(Kind::Hmac, "x-webhook-signature", "sha256=")),
];

/// A credential that was read, and whose it is.
pub(super) struct Read {
    instance: String,
    credential: Credential,
}

/// Those of an instance. `seen` are all that were read before.
pub(super) fn read(section: &Section<'_>, seen: &mut Vec<Read>) -> Vec<Credential> {
    let entries = section.list_of_tables("credentials");
    let expected = "a list, as [{ id = \"first\", secret = … }]";
    match section.entry("credentials").map(|entry| &entry.node.value) {
        None => section.report_missing("credentials", expected),
        Some(Value::List(items)) if items.is_empty() => {
            let advice = "add a credential: without one nobody can send events";
            section.problem("credentials", "an empty list".to_owned(), expected, advice);
        }
        Some(_) => {}
    }
    let mut credentials = Vec::new();
    for entry in entries {
        let Some(credential) = read_one(&entry) else { continue };
        refuse_repeated(&entry, section.name(), &credential, seen);
        let instance = section.name().to_owned();
        seen.push(Read { instance, credential: credential.clone() });
        credentials.push(credential);
    }
    credentials
}

fn read_one(entry: &Section<'_>) -> Option<Credential> {
    let id = entry.string("id").required();
    let secret = entry.secret("secret", TOKEN_LENGTH_MIN).required();
    let strategy = read_strategy(entry);
    if let (Some(secret), Some(Strategy::StandardWebhooks(_))) = (&secret, &strategy)
        && StandardKey::of(secret).is_none()
    {
        let expected =
            "whsec_ and the base64 of 24 to 64 bytes, or whpk_ and that of an Ed25519 key";
        let remedy = "paste it as the platform shows it, whsec_ or whpk_ included";
        entry.problem("secret", "a secret of another form".to_owned(), expected, remedy);
    }
    if let (Some(secret), Some(Strategy::Query { .. })) = (&secret, &strategy)
        && !secret.expose().bytes().all(is_unreserved)
    {
        let expected = "a secret of A-Z, a-z, 0-9, -, ., _ and ~, which no URL writes otherwise";
        let remedy = "make a new one, as with: openssl rand -hex 32";
        entry.problem("secret", "a secret with other characters".to_owned(), expected, remedy);
    }
    let time = |key| entry.parsed(key, "a time, as \"2027-01-31T00:00:00Z\"").optional();
    let (not_before, not_after): (Option<Timestamp>, Option<Timestamp>) =
        (time("not_before"), time("not_after"));
    if let (Some(first), Some(end)) = (not_before, not_after)
        && end <= first
    {
        let remedy = "name a later time, or leave one of them out";
        entry.problem("not_after", format!("{end}"), "a time after not_before", remedy);
    }
    Some(Credential { id: id?, strategy: strategy?, secret: secret?, not_before, not_after })
}

/// Whether a URL has a byte as it is: RFC 3986, section 2.3.
const fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~')
}

fn read_strategy(entry: &Section<'_>) -> Option<Strategy> {
    let Word { kind, header, prefix } = entry.one_of("strategy", WORDS).or(plain(Kind::Bearer));
    let username = entry.string("username").optional();
    let named: Option<HeaderName> =
        entry.parsed("header", "the name of a header, as \"X-Signature\"").optional();
    let before = entry.string("prefix").optional();
    let parameter = entry.string("parameter").optional();
    let field = entry.string("field").optional();
    let encodings = [("hex", Encoding::Hex), ("base64", Encoding::Base64)];
    let encoding = entry.one_of("encoding", &encodings).optional();

    let is_open = matches!(kind, Kind::Header | Kind::Hmac) && header.is_none();
    refuse_needless(entry, "username", kind != Kind::Basic);
    refuse_needless(entry, "header", !is_open);
    refuse_needless(entry, "prefix", !is_open);
    refuse_needless(entry, "parameter", kind != Kind::Query);
    refuse_needless(entry, "field", kind != Kind::Body);
    refuse_needless(entry, "encoding", kind != Kind::Hmac || header.is_some());
    let place = || {
        let name = named.or_else(|| header.map(HeaderName::from_static));
        if name.is_none() && entry.entry("header").is_none() {
            entry.report_missing("header", "the name of the header that the proof stands in");
        }
        Some(HeaderPlace { name: name?, prefix: before.unwrap_or_else(|| prefix.to_owned()) })
    };
    match kind {
        Kind::Bearer => Some(Strategy::Bearer),
        Kind::Basic => {
            if username.is_none() && entry.entry("username").is_none() {
                entry.report_missing("username", "the name that goes with the secret");
            }
            Some(Strategy::Basic { username: username? })
        }
        Kind::Header => place().map(Strategy::Header),
        Kind::Query => {
            Some(Strategy::Query { parameter: parameter.unwrap_or_else(|| TOKEN.to_owned()) })
        }
        Kind::Body => Some(Strategy::Body { field: field.unwrap_or_else(|| TOKEN.to_owned()) }),
        Kind::Hmac => {
            let encoding = encoding.unwrap_or(Encoding::Hex);
            place().map(|place| Strategy::HmacSha256(place, encoding))
        }
        Kind::StandardWebhooks => place().map(Strategy::StandardWebhooks),
    }
}

/// A setting that its strategy has no use for is a mistake of whoever wrote it.
fn refuse_needless(entry: &Section<'_>, key: &'static str, is_needless: bool) {
    if is_needless && entry.entry(key).is_some() {
        entry.problem(
            key,
            "a setting that the strategy has no use for".to_owned(),
            "none",
            "remove it, or name another strategy",
        );
    }
}

/// A secret must say which instance sends, and its name which secret it was.
fn refuse_repeated(entry: &Section<'_>, instance: &str, new: &Credential, seen: &[Read]) {
    if let Some(first) = seen.iter().find(|first| first.credential.secret == new.secret) {
        let (id, instance) = (&first.credential.id, &first.instance);
        entry.problem(
            "secret",
            format!("the secret of credential {id:?} of instance {instance}"),
            "a secret of its own",
            "make a new one, as with: openssl rand -hex 32",
        );
    }
    if seen.iter().any(|first| first.instance == instance && first.credential.id == new.id) {
        entry.problem(
            "id",
            format!("{:?} a second time", new.id),
            "a name that no other credential of the instance has",
            "choose another name",
        );
    }
}
