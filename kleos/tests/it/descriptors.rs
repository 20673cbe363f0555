//! A process that runs out of file descriptors.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use crate::home::{Home, free_port};
use crate::process::{PROGRAM, Running, until};

/// Whether a request is answered, which also says that the process lives.
fn is_answered(port: u16) -> Option<()> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).ok()?;
    stream.set_read_timeout(Some(Duration::from_millis(500))).unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\nhost: kleos\r\n\r\n").ok()?;
    let mut answer = [0; 12];
    stream.read_exact(&mut answer).ok()?;
    (&answer == b"HTTP/1.1 404").then_some(())
}

#[test]
fn a_gateway_without_descriptors_takes_connections_again_when_it_has_some() {
    let closed = free_port();
    let home = Home::with(&format!(
        "[kafka]\nbrokers = \"127.0.0.1:{closed}\"\nregistry = \"http://127.0.0.1:{closed}\"\n"
    ));
    let limited = format!("ulimit -n 96; exec {PROGRAM} gateway");
    let mut gateway = Running::start_program("sh", home.path(), &["-c", &limited]);
    gateway.wait_for("webhooks are taken");
    until("it answers", || is_answered(home.ports.gateway));
    // The system takes them for the process, up to a number of its own.
    let held: Vec<_> = (0..150)
        .map_while(|_| TcpStream::connect(("127.0.0.1", home.ports.gateway)).ok())
        .collect();
    gateway.wait_for("no connections can be taken");
    drop(held);
    gateway.wait_for("connections are taken again");
    until("it answers again", || is_answered(home.ports.gateway));
    let said = gateway.stop();
    assert_eq!(said.matches("no connections can be taken").count(), 1, "{said}");
}
