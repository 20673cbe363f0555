//! What the simulation cannot do: other servers that answer at the vendor's address.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use kleos_test_kit::builders::award;
use kleos_test_kit::log::{Embedded, TestLog};

use crate::bench::{Service, feed_awards, settings, vendor};

/// Answers every connection with the same bytes; its address, and how many it has answered.
fn serve(answer: String) -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let answered = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&answered);
    std::thread::Builder::new()
        .spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                // The beginning of the request is enough.
                stream.read_exact(&mut [0; 64]).unwrap();
                stream.write_all(answer.as_bytes()).ok();
                count.fetch_add(1, Ordering::SeqCst);
            }
        })
        .unwrap();
    (url, answered)
}

#[test]
fn a_redirect_is_not_followed_and_does_not_carry_the_credentials_away() {
    let bench = Embedded::start();
    let log = bench.log();
    let (elsewhere, _) = vendor();
    feed_awards(&log, &[award(1)]);
    let (url, answered) = serve(format!(
        "HTTP/1.1 307 Temporary Redirect\r\nlocation: {}/import?strict=1&project_id=1234567\r\n\
         content-length: 0\r\nconnection: close\r\n\r\n",
        elsewhere.url()
    ));
    let service = Service::start(&log, settings(&url));
    service.wait_until("tried three times", |_| answered.load(Ordering::SeqCst) >= 3);
    let report = format!("{:?}", service.hosted.process.readiness.report());
    assert!(report.contains("which leads to http://127.0.0.1:"), "{report}");
    service.stop();
    assert_eq!(elsewhere.mixpanel.summary().answers.len(), 0);
}

#[test]
fn nobody_at_the_address_is_trouble_that_passes() {
    let bench = Embedded::start();
    let log = bench.log();
    feed_awards(&log, &[award(1)]);
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let service = Service::start(&log, settings(&format!("http://{free}")));
    service.wait_until("not ready", |process| {
        let report = format!("{:?}", process.readiness.report());
        report.contains("Mixpanel does not answer as it should")
    });
    service.stop();
}
