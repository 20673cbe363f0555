//! What every worker measures.

use kleos_service_kit::metrics::{Counter, Gauge, Histogram, SECONDS};

kleos_service_kit::metrics! {
    /// Metrics of a service's workers, all together.
    pub struct WorkerMetrics {
        /// Records read, processed and committed.
        records: Counter = "kleos_worker_records_total",
        /// Transactions committed.
        commits: Counter = "kleos_worker_commits_total",
        /// Transactions rolled back; their records come again.
        rollbacks: Counter = "kleos_worker_rollbacks_total",
        /// Transactions whose outcome was unknown, so that a new session was begun.
        unknown_outcomes: Counter = "kleos_worker_unknown_outcomes_total",
        /// Times that something did not work and was tried again.
        retries: Counter = "kleos_worker_retries_total",
        /// Records of changelogs that were applied to restore state.
        restored: Counter = "kleos_worker_restored_records_total",
        /// Partitions whose records are processed.
        partitions: Gauge = "kleos_worker_partitions",
        /// Partitions whose state is being restored.
        restoring: Gauge = "kleos_worker_restoring_partitions",
        /// Time that a batch's processing takes, without its commit.
        processing: Histogram = "kleos_worker_processing_seconds" buckets SECONDS,
        /// Time from the first write of a transaction to the end of its commit.
        commit: Histogram = "kleos_worker_commit_seconds" buckets SECONDS,
    }
}
