//! The port: takes connections, and lets them come to their end when the process stops.

mod connection;
mod http1;
mod http2;
mod patience;
mod protocol;
mod proxy;
mod request;
mod socket;

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use kleos_service_kit::bootstrap::Process;
use kleos_service_kit::clock::SharedClock;
use kleos_service_kit::failure::Failure;
use kleos_service_kit::lifecycle::{Phase, Shutdown};
use kleos_service_kit::metrics::Counter;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tracing::{info, warn};

use crate::admit::{Door, Sender};
use crate::budget::Budget;
use crate::config::{Limits, Settings};
use crate::mapping::Mapping;
use crate::metrics::{Metrics, SourceMetrics};
use crate::openapi;
use crate::publish::Publisher;
use crate::rate::RateLimits;
use crate::tls::Tls;

/// After the system had no connection to give, how long until it is asked again.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// Of the time to stop, the part that requests in hand may take; the rest is for the log.
const DRAIN_SHARE: (u32, u32) = (3, 4);

/// What all requests share.
#[derive(Debug)]
pub(crate) struct Gateway {
    door: Door,
    limits: Limits,
    proxy_protocol: bool,
    request_log: bool,
    /// Whether connections begin with it.
    tls: Option<Tls>,
    publisher: Arc<Publisher>,
    budget: Arc<Budget>,
    rates: RateLimits,
    mapping: Mapping,
    /// OpenAPI's.
    description: Bytes,
    clock: SharedClock,
    shutdown: Shutdown,
    metrics: Metrics,
    /// By the place of the source among the door's.
    of_source: Vec<SourceMetrics>,
    of_others: SourceMetrics,
    /// How often each sender has proved itself, by its number.
    of_sender: Vec<Counter>,
}

impl Gateway {
    /// # Errors
    /// If TLS is configured and cannot be had.
    pub(crate) fn start(
        service: &Process,
        settings: Settings,
        publisher: Arc<Publisher>,
        metrics: Metrics,
    ) -> Result<Arc<Self>, Failure> {
        let Settings { door, limits, proxy_protocol, request_log, rates, mapping, tls, .. } =
            settings;
        let tls = tls.map(|tls| Tls::start(service, tls, &metrics)).transpose()?;
        let sources = door.sources().iter();
        let count = |sender: &Sender| metrics.credential(&sender.instance, &sender.secret_id);
        Ok(Arc::new(Self {
            budget: Budget::new(
                limits.max_in_flight_bytes,
                door.sources().len(),
                metrics.in_flight.clone(),
            ),
            rates: RateLimits::new(&rates, &door, &service.clock),
            clock: Arc::clone(&service.clock),
            shutdown: service.lifecycle.shutdown(Phase::Intake),
            of_source: sources.map(|source| SourceMetrics::new(&metrics, source)).collect(),
            of_others: SourceMetrics::new(&metrics, "other"),
            of_sender: door.senders().map(count).collect(),
            mapping,
            description: openapi::text(door.sources()).into(),
            door,
            limits,
            proxy_protocol,
            request_log,
            tls,
            publisher,
            metrics,
        }))
    }
}

/// Takes connections until the process stops, then lets requests in hand be answered.
pub(crate) async fn serve(
    listener: TcpListener,
    gateway: Arc<Gateway>,
    shutdown: Shutdown,
) -> Result<(), Infallible> {
    let mut connections = JoinSet::new();
    accept(&listener, &gateway, &shutdown, &mut connections).await;
    // From here on connections are refused.
    drop(listener);
    drain(connections, &shutdown).await;
    Ok(())
}

async fn accept(
    listener: &TcpListener,
    gateway: &Arc<Gateway>,
    shutdown: &Shutdown,
    connections: &mut JoinSet<()>,
) {
    let slots = Arc::new(Semaphore::new(gateway.limits.max_connections));
    let mut fails = false;
    loop {
        let next = tokio::select! {
            biased;
            () = shutdown.requested() => return,
            Some(_) = connections.join_next() => continue,
            next = next(listener, &slots) => next,
        };
        match next {
            Ok((stream, peer, slot)) => {
                if std::mem::take(&mut fails) {
                    info!("connections are taken again");
                }
                let gateway = Arc::clone(gateway);
                connections.spawn(async move {
                    gateway.metrics.connections.inc();
                    let open = OpenConnection { gateway: &gateway, _slot: slot };
                    connection::serve(stream, peer, open.gateway).await;
                });
            }
            Err(error) => {
                if !std::mem::replace(&mut fails, true) {
                    warn!(%error, "no connections can be taken");
                }
                sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

async fn next(
    listener: &TcpListener,
    slots: &Arc<Semaphore>,
) -> io::Result<(TcpStream, SocketAddr, OwnedSemaphorePermit)> {
    let slot = Arc::clone(slots).acquire_owned().await.map_err(io::Error::other)?;
    let (stream, peer) = listener.accept().await?;
    Ok((stream, peer, slot))
}

/// Counted until it is dropped, however its task ends.
struct OpenConnection<'g> {
    gateway: &'g Arc<Gateway>,
    _slot: OwnedSemaphorePermit,
}

impl Drop for OpenConnection<'_> {
    fn drop(&mut self) {
        self.gateway.metrics.connections.dec();
    }
}

async fn drain(mut connections: JoinSet<()>, shutdown: &Shutdown) {
    let (part, whole) = DRAIN_SHARE;
    let patience = shutdown.time_left().unwrap_or_default() * part / whole;
    let ended = async { while connections.join_next().await.is_some() {} };
    if timeout(patience, ended).await.is_err() {
        warn!(connections = connections.len(), "requests did not come to their end in time");
    }
    connections.shutdown().await;
}
