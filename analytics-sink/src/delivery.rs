//! What is still to be sent of a sheet, and what has become of the rest. Pure.
//!
//! A part whose answer does not say which of its rows are stored is sent again in halves, down to
//! single rows. A row that is refused alone and not named is suspect. It is only taken to be at
//! fault if the vendor understands others: else the request is at fault, or the vendor, and no row
//! is given up for that.

use std::ops::Range;

use crate::batch::{Limits, Sheet};
use crate::error::{Refusal, Trouble, TroubleKind};
use crate::verdict::Verdict;

/// So many rows in a row are tried alone before it is taken that nothing gets through.
const SUSPECTS_MAX: usize = 50;

/// What has become of a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// The vendor has it.
    Imported,
    /// It becomes a dead letter.
    Refused(Refusal),
    /// It is not meant for the vendor.
    Skipped,
}

/// The delivery of one sheet.
#[derive(Debug)]
pub(crate) struct Delivery {
    fates: Vec<Option<Fate>>,
    /// Rows from here on were not cut into parts yet.
    uncut: usize,
    /// Parts that go before those, the next one last.
    parts: Vec<Range<usize>>,
    suspects: Vec<(usize, String)>,
    /// Whether the vendor has taken any row, or refused one by name.
    has_proof: bool,
}

impl Delivery {
    /// Of so many rows; `has_proof` if the vendor has taken other rows of the same batch.
    pub(crate) fn new(rows: usize, has_proof: bool) -> Self {
        let (parts, suspects) = (Vec::new(), Vec::new());
        Self { fates: vec![None; rows], uncut: 0, parts, suspects, has_proof }
    }

    /// The rows that make the next request; none if all have been sent.
    pub(crate) fn next(&mut self, sheet: &Sheet, limits: &Limits) -> Option<Range<usize>> {
        if let Some(part) = self.parts.pop() {
            return Some(part);
        }
        if self.uncut == self.fates.len() {
            return None;
        }
        let part = sheet.close(self.uncut, limits);
        self.uncut = part.end;
        Some(part)
    }

    /// Whether rows remain beside those that are on their way.
    pub(crate) fn has_more(&self) -> bool {
        !self.parts.is_empty() || self.uncut < self.fates.len()
    }

    /// Takes the verdict on a part.
    ///
    /// # Errors
    /// Nothing was settled; the part comes again.
    pub(crate) fn answered(&mut self, part: Range<usize>, verdict: Verdict) -> Result<(), Trouble> {
        match verdict {
            Verdict::Imported => {
                self.settle(part.clone());
                self.has_proof = true;
                Ok(())
            }
            Verdict::Partly(rejections) => {
                self.has_proof = true;
                for rejection in rejections {
                    let refusal =
                        Refusal::Rejected { field: rejection.field, message: rejection.message };
                    self.fates[part.start + rejection.index] = Some(Fate::Refused(refusal));
                }
                self.settle(part);
                Ok(())
            }
            Verdict::Unclear(words) if part.len() == 1 => {
                self.suspects.push((part.start, words));
                if !self.has_proof && self.suspects.len() >= SUSPECTS_MAX {
                    return Err(self.unexplained());
                }
                Ok(())
            }
            Verdict::TooLarge(words) if part.len() == 1 => {
                self.parts.push(part);
                let message = format!("too large with a single event: {words}");
                Err(Trouble::new(TroubleKind::Misdirected, message))
            }
            Verdict::Unclear(_) | Verdict::TooLarge(_) => {
                let middle = part.start + part.len() / 2;
                self.parts.push(middle..part.end);
                self.parts.push(part.start..middle);
                Ok(())
            }
            Verdict::Trouble(trouble) => {
                self.parts.push(part);
                Err(trouble)
            }
        }
    }

    /// All has been sent: judges those under suspicion.
    ///
    /// # Errors
    /// The vendor has taken nothing at all; they come again.
    pub(crate) fn conclude(&mut self) -> Result<(), Trouble> {
        if !self.has_proof && !self.suspects.is_empty() {
            return Err(self.unexplained());
        }
        for (row, words) in std::mem::take(&mut self.suspects) {
            self.fates[row] = Some(Fate::Refused(Refusal::Unnamed(words)));
        }
        Ok(())
    }

    /// For each row what has become of it; none if that is not settled.
    pub(crate) fn into_fates(self) -> Vec<Option<Fate>> {
        self.fates
    }

    /// Those of the part that are not refused are imported.
    fn settle(&mut self, part: Range<usize>) {
        for fate in &mut self.fates[part] {
            fate.get_or_insert(Fate::Imported);
        }
    }

    fn unexplained(&mut self) -> Trouble {
        let suspects = std::mem::take(&mut self.suspects);
        let words = suspects.first().map(|(_, words)| words.clone()).unwrap_or_default();
        self.parts.extend(suspects.into_iter().rev().map(|(row, _)| row..row + 1));
        Trouble::new(TroubleKind::Unexplained, words)
    }
}

#[cfg(test)]
mod tests;
