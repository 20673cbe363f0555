//! What an answer says of the rows that were sent. Pure, and never a guess: where rows and answer
//! do not add up, that is what is said.

use std::borrow::Cow;

use serde::Deserialize;

use crate::error::{Trouble, TroubleKind};

/// So much of an answer that nobody understood is shown.
const WORDS_CHARS_MAX: usize = 300;

/// What came back.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) retry_after: Option<String>,
    /// Where a redirect leads.
    pub(crate) location: Option<String>,
    pub(crate) body: Vec<u8>,
}

/// What an answer says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// All rows are stored.
    Imported,
    /// These are refused; all others are stored.
    Partly(Vec<Rejection>),
    /// Some may be stored and some refused; it cannot be told which.
    Unclear(String),
    /// None is stored: they are too many bytes.
    TooLarge(String),
    /// It says nothing of the rows.
    Trouble(Trouble),
}

/// A row that the vendor refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Rejection {
    /// Which of the rows that were sent.
    pub(crate) index: usize,
    pub(crate) field: String,
    pub(crate) message: String,
}

impl Verdict {
    /// For metrics.
    pub(crate) const fn as_str(&self) -> &'static str {
        match self {
            Self::Imported => "imported",
            Self::Partly(_) => "partly_imported",
            Self::Unclear(_) => "unclear",
            Self::TooLarge(_) => "too_large",
            Self::Trouble(trouble) => match trouble.kind {
                TroubleKind::Denied => "denied",
                TroubleKind::RateLimited => "rate_limited",
                TroubleKind::Unavailable => "unavailable",
                TroubleKind::Misdirected | TroubleKind::Unexplained => "misdirected",
            },
        }
    }
}

/// The vendor's answer to a batch; what is not listed is of no use here.
#[derive(Debug, Deserialize)]
struct Report<'a> {
    num_records_imported: Option<u64>,
    #[serde(default, borrow)]
    failed_records: Vec<FailedRecord<'a>>,
}

/// One refused record. The vendor's pages name its id in two ways.
#[derive(Debug, Deserialize)]
struct FailedRecord<'a> {
    index: usize,
    #[serde(rename = "$insert_id", borrow)]
    dollar_insert_id: Option<Cow<'a, str>>,
    #[serde(borrow)]
    insert_id: Option<Cow<'a, str>>,
    #[serde(default)]
    field: String,
    #[serde(default)]
    message: String,
}

/// Judges the answer to rows with these ids.
pub(crate) fn judge(answer: &Answer, insert_ids: &[String]) -> Verdict {
    let said = |kind| {
        let message = format!("status {}: {}", answer.status, words(&answer.body));
        Verdict::Trouble(Trouble { kind, message, retry_after: answer.retry_after.clone() })
    };
    match answer.status {
        200 => of_success(answer, insert_ids),
        400 => match parse(&answer.body) {
            Some(report) => of_report(&report, insert_ids, &answer.body),
            None => Verdict::Unclear(words(&answer.body)),
        },
        401 | 403 => said(TroubleKind::Denied),
        413 => Verdict::TooLarge(words(&answer.body)),
        429 => said(TroubleKind::RateLimited),
        408 | 425 | 500.. => said(TroubleKind::Unavailable),
        300..=399 => {
            let location = answer.location.as_deref().unwrap_or("nowhere");
            let message = format!("status {}, which leads to {location}", answer.status);
            Verdict::Trouble(Trouble::new(TroubleKind::Misdirected, message))
        }
        _ => said(TroubleKind::Misdirected),
    }
}

/// All stored, if the count says so. What is no report at all is not of the vendor's import:
/// sending the rows again is safe, dividing them would tell no more.
fn of_success(answer: &Answer, insert_ids: &[String]) -> Verdict {
    match parse(&answer.body) {
        Some(report @ Report { num_records_imported: Some(count), .. }) => {
            let is_all = usize::try_from(count) == Ok(insert_ids.len());
            if is_all && report.failed_records.is_empty() {
                Verdict::Imported
            } else {
                of_report(&report, insert_ids, &answer.body)
            }
        }
        Some(_) | None => {
            let message = format!("status 200 without a count: {}", words(&answer.body));
            Verdict::Trouble(Trouble::new(TroubleKind::Unavailable, message))
        }
    }
}

/// Stored and refused rows, if they add up and every refused one is named rightly.
fn of_report(report: &Report<'_>, insert_ids: &[String], body: &[u8]) -> Verdict {
    let failed = report.failed_records.len();
    let imported = report.num_records_imported.and_then(|count| usize::try_from(count).ok());
    let sum = imported.and_then(|imported| imported.checked_add(failed));
    let mut is_named = vec![false; insert_ids.len()];
    let are_named = report.failed_records.iter().all(|record| {
        let is_right = insert_ids.get(record.index).is_some_and(|id| record.is_of(id));
        is_right && !std::mem::replace(&mut is_named[record.index], true)
    });
    if failed == 0 || sum != Some(insert_ids.len()) || !are_named {
        return Verdict::Unclear(words(body));
    }
    let rejections = report.failed_records.iter().map(|record| Rejection {
        index: record.index,
        field: cut(&record.field),
        message: cut(&record.message),
    });
    Verdict::Partly(rejections.collect())
}

impl FailedRecord<'_> {
    fn is_of(&self, insert_id: &str) -> bool {
        let mut named = [&self.dollar_insert_id, &self.insert_id].into_iter().flatten().peekable();
        named.peek().is_some() && named.all(|name| name == insert_id)
    }
}

fn parse(body: &[u8]) -> Option<Report<'_>> {
    serde_json::from_slice(body).ok()
}

/// For people.
fn words(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body);
    if text.trim().is_empty() { "no words".to_owned() } else { cut(text.trim()) }
}

fn cut(text: &str) -> String {
    text.chars().take(WORDS_CHARS_MAX).collect()
}

#[cfg(test)]
mod tests;
