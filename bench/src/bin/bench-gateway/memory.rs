//! How much memory our own takes for connections: busy ones, idle ones, slow ones.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::{Context, ensure};
use kleos_bench::histogram::value;
use kleos_bench::process::open_files_max;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::runtime::Runtime;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use crate::contestant::Contestant;
use crate::load::Load;
use crate::requests::Request;
use crate::server::Server;
use crate::site::Site;
use crate::speed::measure;

/// Connections that send one request after the other.
pub(crate) const BUSY: u32 = 1_000;
/// Connections that had their answer, and stay.
pub(crate) const IDLE: usize = 10_000;
/// Connections that send a byte a second, half of them in the head, half in the body.
pub(crate) const SLOW: usize = 500;
/// Files that the benchmark has open besides its connections, and more than that.
const OTHER_FILES: usize = 500;
/// So many are opened at the same time.
const OPENED_AT_ONCE: usize = 50;
const DRIP: Duration = Duration::from_secs(1);
const ANSWERED_WITHIN: Duration = Duration::from_secs(30);
/// How long until all slow ones are open.
const GATHERED_WITHIN: Duration = Duration::from_secs(30);

/// What was seen of the slow ones besides.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Crowded {
    pub(crate) peak_memory_mib: f64,
    /// Slow connections that the gateway had enough of; another took the place of each.
    pub(crate) cut: usize,
}

/// Whether so many connections can be open.
pub(crate) fn is_possible() -> anyhow::Result<()> {
    let (allowed, needed) = (open_files_max()?, IDLE + SLOW + OTHER_FILES);
    ensure!(
        usize::try_from(allowed).is_ok_and(|allowed| allowed >= needed),
        "the benchmark and the gateway need {needed} open files each, and may have {allowed}: raise \
         it with `ulimit -n {needed}`, as root if need be"
    );
    Ok(())
}

/// The most memory at [`BUSY`] connections.
pub(crate) fn busy(site: &Site, seconds: u64) -> anyhow::Result<f64> {
    let load = |seconds| Load { connections: BUSY, seconds };
    Ok(measure(site, Contestant::Kleos, load(1), load(seconds))?.peak_memory_mib)
}

/// The most memory at [`IDLE`] and [`SLOW`] connections, all there for some time.
pub(crate) fn crowded(site: &Site, hold: Duration) -> anyhow::Result<Crowded> {
    let mut server = Server::start(site, Contestant::Kleos)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let idle = runtime.block_on(open_idle(site, server.port()))?;
    let slow = Slow::start(site, &runtime, server.port())?;
    let gathered = site.interrupt.wait(GATHERED_WITHIN, || {
        let found = value(&server.metrics()?, "kleos_gateway_connections").context("no metric")?;
        Ok((found >= (IDLE + SLOW) as f64).then_some(()))
    })?;
    gathered.context("the gateway did not take all connections in time")?;
    site.interrupt.sleep(hold)?;
    server.check()?;
    let peak_memory_mib = server.peak_memory_mib()?;
    let closed = idle.iter().filter(|stream| !is_open(stream)).count();
    ensure!(closed == 0, "the gateway closed {closed} idle connections: no figure counts");
    let cut = slow.cut.load(Ordering::Relaxed);
    drop((idle, slow));
    server.stop()?;
    Ok(Crowded { peak_memory_mib, cut })
}

/// Connections each of which has sent one request and read its answer.
async fn open_idle(site: &Site, port: u16) -> anyhow::Result<Vec<TcpStream>> {
    let mut opening = JoinSet::new();
    let mut open = Vec::with_capacity(IDLE);
    for (number, request) in site.requests.iter().cycle().take(IDLE).enumerate() {
        if opening.len() == OPENED_AT_ONCE {
            site.interrupt.check()?;
            open.extend(opening.join_next().await.transpose()?.transpose()?);
        }
        let request = request.bytes(port, &format!("idle-{number}"));
        opening.spawn(async move {
            let answered = timeout(ANSWERED_WITHIN, answered(port, &request)).await;
            answered.context("an idle connection had no answer in time")?
        });
    }
    for opened in opening.join_all().await {
        open.push(opened?);
    }
    Ok(open)
}

async fn answered(port: u16, request: &[u8]) -> anyhow::Result<TcpStream> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await?;
    stream.write_all(request).await?;
    let mut answer = Vec::new();
    // An answer is one JSON object.
    while !answer.ends_with(b"}") {
        ensure!(stream.read_buf(&mut answer).await? > 0, "the gateway closed a connection");
    }
    ensure!(answer.starts_with(b"HTTP/1.1 202 "), "{}", String::from_utf8_lossy(&answer));
    Ok(stream)
}

/// Nothing has come since the answer, not even an end.
fn is_open(stream: &TcpStream) -> bool {
    let read = stream.try_read(&mut [0; 1]);
    read.is_err_and(|error| error.kind() == std::io::ErrorKind::WouldBlock)
}

/// Tasks that keep slow connections open, and end with it.
struct Slow {
    cut: Arc<AtomicUsize>,
    _tasks: JoinSet<()>,
}

impl Slow {
    fn start(site: &Site, runtime: &Runtime, port: u16) -> anyhow::Result<Self> {
        let cut = Arc::new(AtomicUsize::new(0));
        let mut tasks = JoinSet::new();
        let all = site.requests.iter().cycle().take(SLOW).cloned();
        let spread = DRIP / u32::try_from(SLOW)?;
        for (number, request) in (0..).zip(all) {
            let (cut, first) = (Arc::clone(&cut), spread * number);
            let drip = async move {
                sleep(first).await;
                loop {
                    // However it ends, it is over.
                    drip(port, &request, number % 2 == 0).await.ok();
                    cut.fetch_add(1, Ordering::Relaxed);
                }
            };
            tasks.spawn_on(drip, runtime.handle());
        }
        Ok(Self { cut, _tasks: tasks })
    }
}

/// Sends a byte a second until the gateway has enough of it.
async fn drip(port: u16, request: &Request, in_the_head: bool) -> anyhow::Result<()> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await?;
    let (mut head, body) = (request.head(port, "slow").into_bytes(), request.body.as_bytes());
    if !in_the_head {
        stream.write_all(&head).await?;
        head.clear();
    }
    let mut answer = [0; 1_024];
    for byte in head.iter().chain(body) {
        stream.write_all(&[*byte]).await?;
        if let Ok(read) = timeout(DRIP, stream.read(&mut answer)).await {
            ensure!(read? > 0, "the end");
        }
    }
    Ok(())
}
