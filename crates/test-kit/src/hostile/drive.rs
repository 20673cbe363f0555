//! Carries a case out.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use serde_json::Value;
use tokio::time::sleep;

use super::frames;
use super::rows::good;
use super::wire::{Reply, Wire};
use super::{Case, Outcome, Step, Stored};

/// Tries a case, and then whether a good request is still taken.
pub(super) async fn attempt(gateway: SocketAddr, number: usize, case: Case) -> Outcome {
    let Case { name, group, from, steps } = case;
    let mut attempt = Attempt { gateway, stored: Vec::new(), crowd: Vec::new() };
    let mut trouble = attempt.all(from, steps).await.err();
    let (request, body) = good(number);
    let after = vec![Step::Send(request), Step::Stored(body)];
    if let Err(text) = attempt.all(Ipv4Addr::LOCALHOST, after).await {
        trouble.get_or_insert(format!("a good request afterwards: {text}"));
    }
    Outcome { name, group, trouble, stored: attempt.stored }
}

struct Attempt {
    gateway: SocketAddr,
    stored: Vec<Stored>,
    crowd: Vec<Wire>,
}

impl Attempt {
    async fn all(&mut self, from: Ipv4Addr, steps: Vec<Step>) -> Result<(), String> {
        let mut wire = None;
        for (number, step) in (1..).zip(steps) {
            let done = match (&mut wire, step) {
                (None, Step::Crowd(count)) => self.crowd(count).await,
                (None, step) => self.step(wire.insert(self.connect(from).await?), step).await,
                (Some(wire), step) => self.step(wire, step).await,
            };
            done.map_err(|text| format!("step {number}: {text}"))?;
        }
        Ok(())
    }

    async fn connect(&self, from: Ipv4Addr) -> Result<Wire, String> {
        let wire = Wire::connect(from, self.gateway).await;
        wire.map_err(|error| format!("no connection: {error}"))
    }

    async fn step(&mut self, wire: &mut Wire, step: Step) -> Result<(), String> {
        match step {
            Step::Send(bytes) => drop(wire.send(&bytes).await),
            Step::Drip(bytes, pause) => drip(wire, &bytes, pause).await,
            Step::Flood(bytes) => wire.flood(&bytes).await?,
            Step::Finish => wire.finish().await,
            // They have connections of their own.
            Step::Crowd(count) => self.crowd(count).await?,
            Step::Left(body) => self.stored.push(Stored { place: None, body }),
            Step::GoOn => {
                let reply = wire.reply().await?;
                expect(reply.status == 100, &reply)?;
            }
            Step::Stored(_) | Step::Repeated | Step::Refused(..) | Step::Bare(_) => {
                let reply = wire.reply().await?;
                let is_as_told = self.judge(&step, Some(reply.status), &reply.body);
                expect(is_as_told, &reply)?;
            }
            Step::Closed => {
                let rest = wire.rest().await?;
                if !rest.is_empty() {
                    return Err(format!("before the end came {}", rest.escape_ascii()));
                }
            }
            Step::Ended => drop(wire.rest().await?),
            Step::OnStream(stream, step) => {
                let body = frames::body_of(wire, stream).await?;
                if !self.judge(&step, None, &body) {
                    return Err(format!("{step:?} was answered with {}", body.escape_ascii()));
                }
            }
            Step::Reset(stream, reason) => {
                frames::until(wire, |frame| frame.is(3, stream)).await?.reason_is(reason)?;
            }
            Step::GoesAway => drop(frames::until(wire, |frame| frame.is(7, 0)).await?),
        }
        Ok(())
    }

    async fn crowd(&mut self, count: usize) -> Result<(), String> {
        for _ in 0..count {
            let wire = self.connect(Ipv4Addr::LOCALHOST).await?;
            self.crowd.push(wire);
        }
        Ok(())
    }

    /// Whether an answer is what it must be.
    fn judge(&mut self, step: &Step, status: Option<u16>, body: &[u8]) -> bool {
        let json: Value = serde_json::from_slice(body).unwrap_or_default();
        let is_status = |expected: &[u16]| status.is_none_or(|found| expected.contains(&found));
        match step {
            Step::Stored(body) => {
                let receipt = &json["receipt"];
                let partition = receipt["partition"].as_i64().and_then(|n| n.try_into().ok());
                let place = partition.zip(receipt["offset"].as_i64());
                self.stored.push(Stored { place, body: body.clone() });
                is_status(&[200, 202]) && place.is_some() && json["result"] == "accepted"
            }
            Step::Repeated => is_status(&[200]) && json["result"] == "duplicate",
            Step::Refused(expected, error) => {
                let code = json["error_code"].as_str().unwrap_or_default();
                is_status(&[*expected])
                    && json["status"] == "error"
                    && json["error"] == *error
                    && code.eq_ignore_ascii_case(error)
            }
            Step::Bare(expected) => is_status(&[*expected]) && body.is_empty(),
            Step::Send(_)
            | Step::Drip(..)
            | Step::Flood(_)
            | Step::Finish
            | Step::Crowd(_)
            | Step::Left(_)
            | Step::GoOn
            | Step::Closed
            | Step::Ended
            | Step::OnStream(..)
            | Step::Reset(..)
            | Step::GoesAway => false,
        }
    }
}

async fn drip(wire: &mut Wire, bytes: &[u8], pause: Duration) {
    for byte in bytes {
        sleep(pause).await;
        if !wire.send(&[*byte]).await {
            return;
        }
    }
}

fn expect(is_so: bool, reply: &Reply) -> Result<(), String> {
    let Reply { head, body, .. } = reply;
    if is_so { Ok(()) } else { Err(format!("answered with {head:?} {}", body.escape_ascii())) }
}
