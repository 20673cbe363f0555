//! Reads the embedded log outside of any group.

use std::sync::Arc;
use std::time::Duration;

use super::Inner;
use crate::error::LogError;
use crate::reader::{Progress, Reader};
use crate::record::{Batch, Partition};
use crate::worker::BatchLimits;

#[derive(Debug)]
pub(super) struct StoreReader {
    log: Arc<Inner>,
    positions: Vec<(Partition, i64)>,
    ends: Vec<i64>,
}

impl StoreReader {
    /// Reads each partition from an offset on; the third number is the end at this moment, with
    /// what is being written counted in.
    pub(super) fn new(log: Arc<Inner>, partitions: Vec<(Partition, i64, i64)>) -> Self {
        let ends = partitions.iter().map(|(_, _, end)| *end).collect();
        let positions = partitions.into_iter().map(|(place, from, _)| (place, from)).collect();
        Self { log, positions, ends }
    }

    fn fill(&mut self, batch: &mut Batch) -> Result<(), LogError> {
        let limits = BatchLimits::default();
        for (partition, position) in &mut self.positions {
            let range = self.log.tail.range(*partition);
            let (low, high) = (range.low, range.next);
            if *position < low {
                let (partition, offset) = (*partition, *position);
                return Err(LogError::OutOfRange { partition, offset, low, high });
            }
            if *position < high && batch.len() < limits.records && batch.bytes() < limits.bytes {
                *position = self.log.store.read(*partition, (*position, high), limits, batch)?;
            }
        }
        Ok(())
    }
}

impl Reader for StoreReader {
    fn read(&mut self, batch: &mut Batch, wait: Duration) -> Result<Progress, LogError> {
        self.log.refresh()?;
        self.fill(batch)?;
        let mut caught_up = self.caught_up();
        if batch.is_empty() && !caught_up {
            self.log.tail.wait_beyond(&self.positions, wait);
            self.fill(batch)?;
            caught_up = self.caught_up();
        } else if batch.is_empty() && !wait.is_zero() {
            self.log.wait(&self.positions, wait)?;
            self.fill(batch)?;
        }
        Ok(if caught_up { Progress::CaughtUp } else { Progress::Behind })
    }
}

impl StoreReader {
    fn caught_up(&self) -> bool {
        self.positions.iter().zip(&self.ends).all(|((_, position), end)| position >= end)
    }
}
