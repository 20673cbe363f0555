//! Standard output. A reader that has gone is no failure: it had enough.

use std::io::{ErrorKind, Write};

use kleos_service_kit::failure::Failure;
use serde::Serialize;

/// Writes a text and ends the line.
pub(crate) fn line(text: &str) -> Result<(), Failure> {
    let mut stdout = std::io::stdout().lock();
    written(writeln!(stdout, "{text}").and_then(|()| stdout.flush())).map(drop)
}

/// Writes bytes as they are.
pub(crate) fn bytes(bytes: &[u8]) -> Result<(), Failure> {
    let mut stdout = std::io::stdout().lock();
    written(stdout.write_all(bytes).and_then(|()| stdout.flush())).map(drop)
}

/// Writes values as JSON, one a line, with as few calls as their number allows.
pub(crate) struct JsonLines(std::io::BufWriter<std::io::Stdout>);

impl JsonLines {
    pub(crate) fn new() -> Self {
        Self(std::io::BufWriter::new(std::io::stdout()))
    }

    /// Whether anybody still reads.
    pub(crate) fn write(&mut self, value: &impl Serialize) -> Result<bool, Failure> {
        let text = serde_json::to_string(value).map_err(Failure::new)?;
        written(writeln!(self.0, "{text}"))
    }

    /// Whether anybody still reads.
    pub(crate) fn flush(&mut self) -> Result<bool, Failure> {
        written(self.0.flush())
    }
}

fn written(result: std::io::Result<()>) -> Result<bool, Failure> {
    match result {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(false),
        Err(error) => Err(Failure::new("cannot write to standard output").because(&error)),
    }
}
