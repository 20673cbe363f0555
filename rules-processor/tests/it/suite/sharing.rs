//! Several instances that share the partitions.

use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc;

use kleos_contracts::decision::Decision;
use kleos_contracts::state::PartitionOwner;
use kleos_contracts::topic::Topic;
use kleos_event_log::{Address, EventLog, Outbox, Partition};
use kleos_test_kit::log::TestLog;
use kleos_test_kit::records::read;
use kleos_test_kit::wait::wait_until;
use tempfile::{TempDir, tempdir};

use crate::bench::{
    COURSE_POINTS, OTHER_QUERY_TOKEN, QUERY_TOKEN, a_learner_of_each_partition, course, feed,
    minute, partition_of_learner, publish, settings,
};
use crate::books::Books;
use crate::service::{Service, metric};

const LEARNERS: u32 = 20;

fn start(bench: &dyn TestLog, data: &TempDir, instance: &str) -> Service {
    Service::start_as(instance, &bench.log(), settings(&data.path().join(instance), ""))
}

/// Starts two instances that have two partitions each; the first has decided what was there.
fn start_two(bench: &dyn TestLog, data: &TempDir, events: usize) -> (Service, Service) {
    let first = start(bench, data, "a");
    first.wait_for(events);
    let second = start(bench, data, "b");
    second.wait_until_it_has(2);
    first.wait_until_it_has(2);
    (first, second)
}

pub(crate) fn a_second_instance_takes_over_partitions_and_decides_on(bench: &mut dyn TestLog) {
    let (log, data) = (bench.log(), tempdir().unwrap());
    feed(&log, &course(0..LEARNERS, 0));
    let (first, second) = start_two(bench, &data, LEARNERS as usize);
    let decided = |service: &Service| {
        metric(service.process(), "kleos_rules_events_total", "outcome=\"decided\"")
    };
    assert_eq!(decided(&first), u64::from(LEARNERS));
    // What the first has accepted the second knows, and the other way round.
    feed(&log, &[course(0..LEARNERS, 0), course(0..LEARNERS, 1)].concat());
    wait_until("all decided", || decided(&first) + decided(&second) == 2 * u64::from(LEARNERS));
    assert!(decided(&second) > 0 && decided(&first) > u64::from(LEARNERS), "each had work");
    let first = first.stop();
    second.wait_until_it_has(4);
    feed(&log, &[course(0..LEARNERS, 1), course(0..LEARNERS, 2)].concat());
    let done = || read::<Decision>(&log, Topic::Decisions).len();
    wait_until("all decided", || done() == 5 * LEARNERS as usize);
    let second = second.stop();

    let books = Books::read(&log);
    books.assert_agree();
    books.assert_counted(&[&first, &second]);
    assert_eq!(books.balances().len(), LEARNERS as usize);
    assert!(books.balances().values().all(|balance| *balance == 3 * COURSE_POINTS));
}

/// The partitions that an instance told of last.
fn owned(log: &EventLog, instance: &str) -> BTreeSet<i32> {
    let mut owners = std::collections::BTreeMap::new();
    for found in read::<PartitionOwner>(log, Topic::Owners) {
        owners.insert(found.value.partition, found.value.instance);
    }
    let of_instance = owners.into_iter().filter(|(_, owner)| owner == instance);
    of_instance.map(|(partition, _)| partition).collect()
}

pub(crate) fn any_instance_answers_and_asks_the_owner_once(bench: &mut dyn TestLog) {
    let (log, data) = (bench.log(), tempdir().unwrap());
    let learners = a_learner_of_each_partition();
    let events: Vec<_> =
        learners.iter().flat_map(|number| course(*number..number + 1, 0)).collect();
    feed(&log, &events);
    let (first, second) = start_two(bench, &data, events.len());
    let told = || (owned(&log, "a").len(), owned(&log, "b").len());
    wait_until("both told of their partitions", || told() == (2, 2));
    for number in &learners {
        wait_until("both know the owner", || {
            [first.learner(*number), second.learner(*number)].iter().all(|it| it.status == 200)
        });
        let answer = first.learner(*number);
        assert_eq!(answer, second.learner(*number));
        assert_eq!(answer.body["balance"], COURSE_POINTS);
    }
    let of_second = *learners
        .iter()
        .find(|number| owned(&log, "b").contains(&partition_of_learner(**number)))
        .unwrap();
    let ask = |token: &str, header: &'static str, learner: u32| {
        let url = format!("{}/v1/tenants/acme/learners/campus-a%2F{learner}", first.url());
        first.send(first.client().get(url).bearer_auth(token).header(header, "1"))
    };
    // Who was asked by another instance does not ask a third.
    let once = ask(QUERY_TOKEN, "x-kleos-forwarded", of_second);
    assert_eq!((once.status, &once.body["retry_after"]), (503, &1.into()));
    assert_eq!(ask(OTHER_QUERY_TOKEN, "x-other", of_second).status, 401);
    let unknown = (1_000..)
        .find(|number| partition_of_learner(*number) == partition_of_learner(of_second))
        .unwrap();
    assert_eq!(ask(QUERY_TOKEN, "x-other", unknown).status, 404);

    assert_passed_on(&log, &first, of_second);
    first.stop();
    second.stop();
}

/// What the owner is asked is what was asked, marked as passed on; what it says is what is said.
fn assert_passed_on(log: &EventLog, first: &Service, of_second: u32) {
    let (url, asked) = a_port_that_answers(
        "HTTP/1.1 418 I'm a teapot\r\ncontent-length: 5\r\n\
                                            connection: close\r\n\r\nshort",
    );
    tell_owner(log, partition_of_learner(of_second), &url);
    wait_until("the teapot answers", || first.learner(of_second).status == 418);
    assert_eq!(first.learner(of_second).body, "short");
    let asked: String = asked.recv().unwrap().to_ascii_lowercase();
    let line = format!("get /v1/tenants/acme/learners/campus-a%2f{of_second} http/1.1\r\n");
    assert!(asked.starts_with(&line), "{asked}");
    assert!(asked.contains("\r\nx-kleos-forwarded: 1\r\n"), "{asked}");
    assert!(asked.contains(&format!("\r\nauthorization: bearer {QUERY_TOKEN}\r\n")), "{asked}");
}

/// Says that somebody else has a partition.
fn tell_owner(log: &EventLog, partition: i32, url: &str) {
    let codec = log.codec::<PartitionOwner>(Topic::Owners).unwrap();
    let (instance, url) = ("teapot".to_owned(), url.to_owned());
    let owner = PartitionOwner { partition, instance, url, since: minute(0) };
    let key = partition.to_string();
    let place = Partition::new(Topic::Owners, 0);
    let address = Address { partition: place, timestamp: minute(0), key: Some(key.as_bytes()) };
    let mut outbox = Outbox::default();
    outbox.send(&codec, address, &owner).unwrap();
    publish(log, &outbox);
}

/// A port that answers every request with the same bytes and tells what it was asked.
fn a_port_that_answers(answer: &'static str) -> (String, mpsc::Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (asked, requests) = mpsc::channel();
    let serve = move || {
        for stream in listener.incoming() {
            let mut stream: TcpStream = stream.unwrap();
            let mut request = Vec::new();
            let mut byte = [0];
            while !request.ends_with(b"\r\n\r\n") && stream.read_exact(&mut byte).is_ok() {
                request.extend(byte);
            }
            stream.write_all(answer.as_bytes()).ok();
            asked.send(String::from_utf8(request).unwrap()).ok();
        }
    };
    std::thread::Builder::new().spawn(serve).unwrap();
    (url, requests)
}
