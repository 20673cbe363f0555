//! Rows on their way into requests, and where a request is closed.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::row::Row;

/// Rows as lines of JSON, one behind the other, so that every range of them is a body.
#[derive(Debug, Default)]
pub(crate) struct Sheet {
    bytes: Vec<u8>,
    /// Where each line ends.
    ends: Vec<usize>,
    insert_ids: Vec<String>,
}

impl Sheet {
    /// Adds a line.
    pub(crate) fn push(&mut self, row: Row<'_>) -> Result<(), serde_json::Error> {
        let begin = self.bytes.len();
        if let Err(error) = serde_json::to_writer(&mut self.bytes, &row) {
            self.bytes.truncate(begin);
            return Err(error);
        }
        self.bytes.push(b'\n');
        self.ends.push(self.bytes.len());
        self.insert_ids.push(row.insert_id);
        Ok(())
    }

    /// Throws all rows away and keeps the memory.
    pub(crate) fn clear(&mut self) {
        self.bytes.clear();
        self.ends.clear();
        self.insert_ids.clear();
    }

    pub(crate) fn len(&self) -> usize {
        self.ends.len()
    }

    pub(crate) fn lines(&self, rows: &Range<usize>) -> &[u8] {
        &self.bytes[self.start(rows.start)..self.start(rows.end)]
    }

    pub(crate) fn insert_ids(&self, rows: &Range<usize>) -> &[String] {
        &self.insert_ids[rows.clone()]
    }

    /// The rows from `first` on that make one request: one at least, else as the limits say.
    pub(crate) fn close(&self, first: usize, limits: &Limits) -> Range<usize> {
        let bytes_max = self.start(first).saturating_add(limits.bytes());
        let by_bytes = self.ends.partition_point(|end| *end <= bytes_max);
        let end = by_bytes.min(first.saturating_add(limits.records));
        first..end.max(first + 1).min(self.len())
    }

    fn start(&self, row: usize) -> usize {
        row.checked_sub(1).map_or(0, |before| self.ends[before])
    }
}

/// When a request is closed. Clones share what was learned.
#[derive(Clone, Debug)]
pub(crate) struct Limits {
    records: usize,
    bytes_configured: usize,
    bytes: Arc<AtomicUsize>,
}

impl Limits {
    pub(crate) fn new(records: usize, bytes: usize) -> Self {
        Self { records, bytes_configured: bytes, bytes: Arc::new(AtomicUsize::new(bytes)) }
    }

    /// The largest body, uncompressed.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes.load(Ordering::Relaxed)
    }

    /// Whether so many records fill a request.
    pub(crate) const fn is_full(&self, records: usize) -> bool {
        records >= self.records
    }

    /// A body of so many bytes was too large.
    pub(crate) fn refused(&self, bytes: usize) {
        self.bytes.fetch_min(bytes / 2, Ordering::Relaxed);
    }

    /// What was learned was no limit: also the smallest body was too large.
    pub(crate) fn forget(&self) {
        self.bytes.store(self.bytes_configured, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn sheet(texts: &[usize]) -> Sheet {
        let mut sheet = Sheet::default();
        for (index, length) in texts.iter().enumerate() {
            let row = Row {
                event: "e".repeat(*length).into(),
                time_millis: 0,
                distinct_id: "d",
                insert_id: index.to_string(),
                properties: Vec::new(),
            };
            sheet.push(row).unwrap();
        }
        sheet
    }

    #[test]
    fn every_range_is_a_body_of_lines() {
        let sheet = sheet(&[1, 2, 3]);
        let lines = String::from_utf8(sheet.lines(&(1..3)).to_vec()).unwrap();
        assert_eq!(
            lines,
            "{\"event\":\"ee\",\"properties\":{\"time\":0,\"distinct_id\":\"d\",\
             \"$insert_id\":\"1\",\"ip\":0}}\n\
             {\"event\":\"eee\",\"properties\":{\"time\":0,\"distinct_id\":\"d\",\
             \"$insert_id\":\"2\",\"ip\":0}}\n"
        );
        assert_eq!(sheet.insert_ids(&(1..3)), ["1", "2"]);
        assert_eq!(sheet.lines(&(0..3)).len(), sheet.bytes.len());
    }

    #[test]
    fn a_request_is_closed_by_records_or_bytes_and_has_one_row_at_least() {
        let sheet = sheet(&[1, 1, 1, 900, 1]);
        let line = sheet.lines(&(0..1)).len();
        for (first, records, bytes, expected) in [
            (0, 10, 1 << 20, 0..5),
            (0, 2, 1 << 20, 0..2),
            (3, 2, 1 << 20, 3..5),
            (0, 10, 3 * line, 0..3),
            (0, 10, 3 * line - 1, 0..2),
            (1, 10, 2 * line, 1..3),
            (3, 10, 10, 3..4),
            (4, 10, 1 << 20, 4..5),
        ] {
            assert_eq!(sheet.close(first, &Limits::new(records, bytes)), expected, "{first}");
        }
    }

    #[test]
    fn what_was_too_large_is_halved_and_shared_until_it_is_forgotten() {
        let limits = Limits::new(10, 1_000);
        let other = limits.clone();
        limits.refused(900);
        assert_eq!(other.bytes(), 450);
        limits.refused(4_000);
        assert_eq!(other.bytes(), 450);
        other.forget();
        assert_eq!(limits.bytes(), 1_000);
        assert!(limits.is_full(10) && !limits.is_full(9));
    }

    proptest! {
        #[test]
        fn requests_cover_all_rows_once(
            texts in prop::collection::vec(0_usize..600, 1..60),
            records in 1_usize..20,
            bytes in 1_usize..2_000,
        ) {
            let (sheet, limits) = (sheet(&texts), Limits::new(records, bytes));
            let mut next = 0;
            while next < sheet.len() {
                let rows = sheet.close(next, &limits);
                prop_assert_eq!(rows.start, next);
                prop_assert!(!rows.is_empty() && rows.len() <= records);
                prop_assert!(rows.len() == 1 || sheet.lines(&rows).len() <= bytes);
                next = rows.end;
            }
            prop_assert_eq!(next, sheet.len());
        }
    }
}
