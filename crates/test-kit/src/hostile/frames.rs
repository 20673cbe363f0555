//! HTTP/2 by the frame.

use super::wire::Wire;

/// How a connection begins: the preface, and settings of the sender's own.
pub(super) fn opening(settings: &[(u16, u32)]) -> Vec<u8> {
    let settings: Vec<u8> = settings
        .iter()
        .flat_map(|(name, value)| [&name.to_be_bytes()[..], &value.to_be_bytes()].concat())
        .collect();
    [&b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"[..], &frame(4, 0, 0, &settings)].concat()
}

/// One frame.
pub(super) fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap_or(u32::MAX).to_be_bytes();
    let head = [&length[1..], &[kind, flags], &stream.to_be_bytes()].concat();
    [&head, payload].concat()
}

pub(super) const END_STREAM: u8 = 1;
pub(super) const END_HEADERS: u8 = 4;

/// Header lines, each as it is: nothing is compressed, nothing is remembered.
pub(super) fn block(lines: &[(&str, &str)]) -> Vec<u8> {
    lines.iter().flat_map(|(name, value)| [&[0][..], &text(name), &text(value)].concat()).collect()
}

/// A text with its length, as HPACK has it.
fn text(text: &str) -> Vec<u8> {
    let mut coded = integer(text.len(), 7);
    coded.extend_from_slice(text.as_bytes());
    coded
}

/// A number in so many bits, and the rest of it in bytes of seven.
fn integer(number: usize, bits: u32) -> Vec<u8> {
    let most = (1 << bits) - 1;
    let low = |number: usize| u8::try_from(number).unwrap_or(u8::MAX);
    if number < most {
        return vec![low(number)];
    }
    let mut coded = vec![low(most)];
    let mut rest = number - most;
    while rest >= 128 {
        coded.push(low(rest % 128 + 128));
        rest /= 128;
    }
    coded.push(low(rest));
    coded
}

/// A frame that came back.
#[derive(Debug)]
pub(super) struct Frame {
    kind: u8,
    flags: u8,
    stream: u32,
    payload: Vec<u8>,
}

impl Frame {
    async fn read(wire: &mut Wire) -> Result<Self, String> {
        let head = wire.exactly(9).await?;
        let [l0, l1, l2, kind, flags, s0, s1, s2, s3] = head[..] else {
            return Err("a frame of no length".to_owned());
        };
        let length = u32::from_be_bytes([0, l0, l1, l2]);
        let stream = u32::from_be_bytes([s0, s1, s2, s3]);
        let payload = wire.exactly(usize::try_from(length).unwrap_or(usize::MAX)).await?;
        Ok(Self { kind, flags, stream, payload })
    }

    pub(super) const fn is(&self, kind: u8, stream: u32) -> bool {
        self.kind == kind && self.stream == stream
    }

    /// Why a stream or the connection is ended.
    pub(super) fn reason(&self) -> Option<u32> {
        let start = if self.kind == 7 { 4 } else { 0 };
        let bytes = self.payload.get(start..start + 4)?;
        bytes.try_into().ok().map(u32::from_be_bytes)
    }

    pub(super) fn reason_is(&self, expected: u32) -> Result<(), String> {
        match self.reason() {
            Some(reason) if reason == expected => Ok(()),
            reason => Err(format!("the reason is {reason:?}")),
        }
    }
}

/// The next frame of a kind; others are kept for whoever asks for them.
pub(super) async fn until(
    wire: &mut Wire,
    is_it: impl Fn(&Frame) -> bool,
) -> Result<Frame, String> {
    if let Some(at) = wire.frames.iter().position(&is_it)
        && let Some(frame) = wire.frames.remove(at)
    {
        return Ok(frame);
    }
    loop {
        let frame = Frame::read(wire).await;
        let frame = frame.map_err(|text| format!("{text}; after {:?}", wire.frames))?;
        if is_it(&frame) {
            return Ok(frame);
        }
        wire.frames.push_back(frame);
    }
}

/// The body of a stream's answer.
pub(super) async fn body_of(wire: &mut Wire, stream: u32) -> Result<Vec<u8>, String> {
    let mut body = Vec::new();
    loop {
        let frame = until(wire, |frame| frame.stream == stream).await?;
        match frame.kind {
            0 => body.extend_from_slice(&frame.payload),
            1 | 8 => {}
            kind => return Err(format!("stream {stream}: {kind} for {:?}", frame.reason())),
        }
        if frame.kind != 8 && frame.flags & END_STREAM != 0 {
            return Ok(body);
        }
    }
}
