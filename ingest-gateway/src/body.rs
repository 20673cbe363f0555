//! Reads a request's body: all of it, in time, within the limit.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::body::Body;
use tokio::time::timeout;

use crate::budget::Hold;
use crate::error::Refusal;

/// How long a body may be, and how long it may take.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BodyLimits {
    pub(crate) bytes: u64,
    pub(crate) time: Duration,
}

/// A body, and whether there is nothing more of it to be read.
#[derive(Debug)]
pub(crate) struct Inbound<B> {
    body: B,
    is_read: bool,
}

impl<B: Body<Data = Bytes> + Unpin> Inbound<B> {
    pub(crate) fn new(body: B) -> Self {
        let is_read = body.is_end_stream();
        Self { body, is_read }
    }

    pub(crate) const fn is_read(&self) -> bool {
        self.is_read
    }

    /// Its length, if the head has told.
    pub(crate) fn declared(&self) -> Option<u64> {
        self.body.size_hint().exact()
    }

    /// All of it. The hold grows with a body whose length was not declared.
    pub(crate) async fn read(
        &mut self,
        limits: BodyLimits,
        hold: &mut Hold,
    ) -> Result<Vec<u8>, Refusal> {
        let millis = u64::try_from(limits.time.as_millis()).unwrap_or(u64::MAX);
        let whole = timeout(limits.time, self.read_all(limits.bytes, hold)).await;
        whole.unwrap_or(Err(Refusal::TooSlow { millis }))
    }

    async fn read_all(&mut self, limit: u64, hold: &mut Hold) -> Result<Vec<u8>, Refusal> {
        let declared = self.declared().unwrap_or_default().min(limit);
        let mut whole = Vec::with_capacity(usize::try_from(declared).unwrap_or_default());
        while let Some(frame) = self.body.frame().await {
            // What follows the body's end, trailers, is of no use to anybody.
            let Ok(part) = frame.map_err(|_| Refusal::Incomplete)?.into_data() else { continue };
            let length = u64::try_from(whole.len() + part.len()).unwrap_or(u64::MAX);
            if length > limit {
                return Err(Refusal::TooLarge { limit });
            }
            if !hold.covers(length) {
                return Err(Refusal::Overloaded);
            }
            whole.extend_from_slice(&part);
        }
        self.is_read = true;
        Ok(whole)
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use futures_util::stream::{self, StreamExt};
    use http_body_util::StreamBody;
    use hyper::body::Frame;

    use super::*;
    use crate::budget::REQUEST_BYTES;
    use crate::budget::tests::{PROVEN, budget};

    type Parts = Vec<io::Result<Frame<Bytes>>>;

    fn data(texts: &[&'static str]) -> Parts {
        texts.iter().map(|text| Ok(Frame::data(Bytes::from_static(text.as_bytes())))).collect()
    }

    async fn read(parts: Parts, hangs: bool, room: u64) -> (Result<Vec<u8>, Refusal>, bool) {
        let tail = stream::pending().take(usize::from(hangs));
        let mut body = Inbound::new(StreamBody::new(stream::iter(parts).chain(tail)));
        let mut hold = budget(REQUEST_BYTES + room).hold(PROVEN, 0).unwrap();
        let limits = BodyLimits { bytes: 8, time: Duration::from_secs(10) };
        (body.read(limits, &mut hold).await, body.is_read())
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_is_read_whole_or_refused() {
        let broken = || vec![Err(io::Error::other("reset"))];
        let mut trailers = data(&["abcd"]);
        trailers.push(Ok(Frame::trailers(hyper::HeaderMap::new())));
        for (parts, hangs, room, expected) in [
            (data(&[]), false, 8, Ok("")),
            (data(&["abcd", "", "efgh"]), false, 8, Ok("abcdefgh")),
            (trailers, false, 8, Ok("abcd")),
            (data(&["abcd", "efgh", "i"]), false, 80, Err(Refusal::TooLarge { limit: 8 })),
            (data(&["abcdefghi"]), true, 80, Err(Refusal::TooLarge { limit: 8 })),
            (data(&["abcd", "efgh"]), false, 7, Err(Refusal::Overloaded)),
            (data(&["abcd"]), true, 8, Err(Refusal::TooSlow { millis: 10_000 })),
            (broken(), false, 8, Err(Refusal::Incomplete)),
        ] {
            let is_whole = expected.is_ok();
            let expected = expected.map(|text: &str| text.as_bytes().to_vec());
            assert_eq!(read(parts, hangs, room).await, (expected, is_whole));
        }
    }

    #[test]
    fn a_body_that_is_empty_from_the_start_is_read() {
        assert!(Inbound::new(http_body_util::Empty::<Bytes>::new()).is_read());
        let body = http_body_util::Full::new(Bytes::from_static(b"abc"));
        let body = Inbound::new(body);
        assert_eq!((body.is_read(), body.declared()), (false, Some(3)));
    }
}
