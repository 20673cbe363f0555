//! `[sink]`.

use std::time::Duration;

use kleos_service_kit::config::{Secret, Section};
use url::Url;

use crate::pace::Pace;

/// What the vendor takes in one request.
const RECORDS_MAX: usize = 2_000;
/// The vendor gives two sizes for the largest request; this is below both.
const BATCH_BYTES: u64 = 1_536 << 10;

/// What the sink is told.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where events go; none: the sink is off.
    pub destination: Option<Destination>,
    /// Whether canonical events go there too, not awards alone.
    pub events: bool,
    /// Who a learner is at the vendor.
    pub distinct_id: DistinctId,
    /// Events of a request at most.
    pub batch_records: usize,
    /// Bytes of a request at most, uncompressed; less where the vendor turns out to take less.
    pub batch_bytes: usize,
    /// The least time between two requests of a worker that are not full.
    pub request_interval: Duration,
    /// Workers, each with a thread and one request at a time.
    pub workers: usize,
    /// The pauses after failures: the vendor's affair, not the operator's.
    pub pace: Pace,
}

/// A project of the vendor, and how to get in.
#[derive(Clone, Debug)]
pub struct Destination {
    /// What `/import` is appended to.
    pub url: Url,
    /// The project.
    pub project_id: Option<String>,
    /// Who sends.
    pub credentials: Credentials,
}

/// Who sends.
#[derive(Clone, Debug)]
pub enum Credentials {
    /// A service account of the project.
    ServiceAccount {
        /// Its name.
        username: String,
        /// Its secret.
        secret: Secret,
    },
    /// Whoever knows the project's token.
    Token(Secret),
}

/// Who a learner is at the vendor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum DistinctId {
    /// The learner's key in the tenant, as `campus-a/8774`.
    #[default]
    UserKey,
    /// The platform's id of the learner, as `8774`.
    UserId,
}

impl Settings {
    /// Takes everything. Nothing comes of it only where something is wrong.
    #[must_use]
    pub fn read(section: &Section<'_>) -> Option<Self> {
        let words = [("user_key", DistinctId::UserKey), ("user_id", DistinctId::UserId)];
        let seconds = Duration::from_secs;
        let is_enabled = section.boolean("enabled").or(true);
        let destination = Destination::read(section);
        let events = section.boolean("events").or(false);
        let distinct_id = section.one_of("distinct_id", &words).or(DistinctId::default());
        let batch_records = section.integer("batch_records", 1..=RECORDS_MAX).or(RECORDS_MAX);
        let batch_bytes = section.bytes("batch_bytes", 1 << 10..=10 << 20).or(BATCH_BYTES);
        let interval = section.duration("request_interval", seconds(0)..=seconds(10));
        let request_interval = interval.or(seconds(1));
        let workers = section.integer("workers", 1..=20).or(2);
        Some(Self {
            destination: destination?.filter(|_| is_enabled),
            events,
            distinct_id,
            batch_records,
            batch_bytes: usize::try_from(batch_bytes).ok()?,
            request_interval,
            workers,
            pace: Pace::VENDOR,
        })
    }
}

impl Destination {
    /// None inside if there are no credentials.
    fn read(section: &Section<'_>) -> Option<Option<Self>> {
        let url = read_url(section);
        let project_id = section.string("project_id").optional();
        let username = section.string("username").optional();
        let secret = section.secret("secret", 1).optional();
        let token = section.secret("token", 1).optional();
        let remedy = "give username, secret and project_id of a service account, or token alone";
        let wrong = |key, found: &str, expected| {
            section.problem(key, found.to_owned(), expected, remedy);
            None
        };
        let credentials = match (username, secret, token) {
            (None, None, None) => return Some(None),
            (None, None, Some(token)) => Credentials::Token(token),
            (Some(_), Some(_), None) if project_id.is_none() => {
                return wrong("project_id", "nothing", "the number of the account's project");
            }
            (Some(username), Some(secret), None) => {
                Credentials::ServiceAccount { username, secret }
            }
            (Some(_), None, None) => return wrong("secret", "nothing", "the account's secret"),
            (None, Some(_), None) => return wrong("username", "nothing", "the account's name"),
            (_, _, Some(_)) => {
                return wrong("token", "a token beside an account", "one of the two");
            }
        };
        let Some(url) = url else {
            let expected = "\"us\", \"eu\" or \"in\": where the project's data reside";
            let remedy = "see the project's settings at Mixpanel: another region stores nothing";
            section.problem("region", "nothing".to_owned(), expected, remedy);
            return None;
        };
        Some(Some(Self { url, project_id, credentials }))
    }
}

/// The address of a region, or one that is given.
fn read_url(section: &Section<'_>) -> Option<Url> {
    let regions = [
        ("us", "https://api.mixpanel.com"),
        ("eu", "https://api-eu.mixpanel.com"),
        ("in", "https://api-in.mixpanel.com"),
    ];
    let region = section.one_of("region", &regions).optional();
    let url = section.url("url", &["https", "http"]).optional();
    if region.is_some() && url.is_some() {
        let found = "an address beside a region".to_owned();
        section.problem("url", found, "one of the two", "remove the line url or the line region");
    }
    if url.as_ref().is_some_and(|url| !url.username().is_empty() || url.password().is_some()) {
        let found = "an address with a login".to_owned();
        let remedy = "give the login as username and secret, or as token";
        section.problem("url", found, "an address without", remedy);
    }
    url.or_else(|| Url::parse(region?).ok())
}

#[cfg(test)]
mod tests;
