//! Where a process's metrics come together.

use std::collections::HashMap;
use std::slice;

use prometheus::core::Collector;
use prometheus::{Encoder, TextEncoder};

use kleos_contracts::class::Class;

use crate::metrics::declaration::Declaration;
use crate::metrics::family::Metric;

const SERVICE: &str = "service";

/// All metrics of a process, handed to whoever registers or shows them. Clones are the same.
#[derive(Clone, Debug)]
pub struct Registry {
    inner: prometheus::Registry,
    service: Option<String>,
}

/// Metrics could not be registered or written.
#[derive(Debug, thiserror::Error)]
pub enum MetricsError {
    /// The registry refused one, as where it has the name already.
    #[error("cannot register the metric {name}")]
    Refused {
        /// Its name.
        name: &'static str,
        /// Why.
        #[source]
        source: prometheus::Error,
    },
    /// They could not be written as text.
    #[error("cannot write the metrics as text")]
    Unwritable(#[source] prometheus::Error),
}

impl MetricsError {
    /// A fault in the program.
    #[must_use]
    pub const fn class(&self) -> Class {
        Class::Fatal
    }
}

impl Registry {
    /// With the metrics of the process itself: processor time, memory, files, threads.
    ///
    /// # Errors
    /// Never in practice: nothing else is registered yet.
    pub fn new() -> Result<Self, MetricsError> {
        let registry = Self { inner: prometheus::Registry::new(), service: None };
        #[cfg(target_os = "linux")]
        {
            let process = prometheus::process_collector::ProcessCollector::for_self();
            registry.add("process", process)?;
        }
        Ok(registry)
    }

    /// The same registry; what is registered through it carries the label `service`.
    ///
    /// So several services of one process can register the metrics of a crate that they share.
    #[must_use]
    pub fn of_service(&self, name: &str) -> Self {
        Self { inner: self.inner.clone(), service: Some(name.to_owned()) }
    }

    /// Everything, in Prometheus' text format.
    ///
    /// # Errors
    /// Where a metric cannot be written.
    pub fn text(&self) -> Result<String, MetricsError> {
        TextEncoder::new().encode_to_string(&self.inner.gather()).map_err(MetricsError::Unwritable)
    }

    /// What [`Self::text`] is, for HTTP.
    #[must_use]
    pub fn content_type(&self) -> String {
        TextEncoder::new().format_type().to_owned()
    }

    /// Registers the next of some declarations; for the macro.
    ///
    /// # Errors
    /// Where the registry refuses it.
    #[doc(hidden)]
    pub fn next<M: Metric>(
        &self,
        declared: &mut slice::Iter<'static, Declaration>,
    ) -> Result<M, MetricsError> {
        let Some(declaration) = declared.next() else {
            let source = prometheus::Error::Msg("not declared".to_owned());
            return Err(MetricsError::Refused { name: "?", source });
        };
        M::register(self, declaration)
    }

    pub(crate) fn service_labels(&self) -> HashMap<String, String> {
        self.service.iter().map(|service| (SERVICE.to_owned(), service.clone())).collect()
    }

    pub(crate) fn add(
        &self,
        name: &'static str,
        collector: impl Collector + 'static,
    ) -> Result<(), MetricsError> {
        self.inner
            .register(Box::new(collector))
            .map_err(|source| MetricsError::Refused { name, source })
    }
}
