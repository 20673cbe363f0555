//! Senders that take their time, and connections that are held.

use super::Case;
use super::rows::Do::{Closed, Crowd, Drip, Ended, Finish, Flood, Refused, Send, Stored};
use super::rows::{Row, cases as of};

const GROUP: &str = "slow";

pub(super) fn cases() -> Vec<Case> {
    of(GROUP, 500, ROWS)
}

const ROWS: &[Row] = &[
    Row("says nothing", &[Closed]),
    Row("says one byte", &[Send("P"), Closed]),
    Row("stops within a head", &[Send("$HEADcontent-le"), Closed]),
    Row(
        "a head a byte at a time",
        &[Drip("$HEADx-a: 1\r\nx-b: 2\r\nx-c: 3\r\ncontent-length: 5\r\n\r\n[$ID]", 100), Ended],
    ),
    Row(
        "empty lines without an end, a byte at a time",
        &[
            Drip("\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n", 200),
            Ended,
        ],
    ),
    Row(
        "stops within a body",
        &[Send("$HEADcontent-length: 6\r\n\r\n[$ID]"), Refused(408, "request_timeout"), Closed],
    ),
    Row(
        "a body a byte at a time",
        &[
            Send("$HEADcontent-length: 45\r\n\r\n"),
            Drip("[$ID]........................................", 100),
            Refused(408, "request_timeout"),
            Ended,
        ],
    ),
    Row(
        "stops within a chunk",
        &[
            Send("$HEADtransfer-encoding: chunked\r\n\r\n9\r\n[$ID]"),
            Refused(408, "request_timeout"),
            Closed,
        ],
    ),
    Row(
        "stops within the size of a chunk",
        &[
            Send("$HEADtransfer-encoding: chunked\r\n\r\n5\r\n[$ID]\r\n0"),
            Refused(408, "request_timeout"),
            Closed,
        ],
    ),
    Row(
        "trailers a byte at a time",
        &[
            Send("$HEADtransfer-encoding: chunked\r\n\r\n5\r\n[$ID]\r\n0\r\n"),
            Drip("x-a: 1\r\nx-b: 2\r\nx-c: 3\r\nx-d: 4\r\nx-e: 5\r\n", 100),
            Refused(408, "request_timeout"),
            Ended,
        ],
    ),
    Row(
        "a whole body that is slow, but in time",
        &[Send("$HEADcontent-length: 5\r\n\r\n"), Drip("[$ID]", 100), Stored("[$ID]")],
    ),
    Row(
        "asks nothing more after an answer",
        &[Send("$HEADcontent-length: 5\r\n\r\n[$ID]"), Stored("[$ID]"), Closed],
    ),
    Row(
        "stops within the head after an answer",
        &[Send("$HEADcontent-length: 5\r\n\r\n[$ID]POST"), Stored("[$ID]"), Closed],
    ),
    Row("says that it has said all, within a head", &[Send("$HEAD"), Finish, Closed]),
    Row(
        "says that it has said all, and waits for the answer",
        &[Send("$HEADcontent-length: 5\r\n\r\n[$ID]"), Finish, Stored("[$ID]"), Closed],
    ),
    Row(
        "never reads its answers",
        &[Flood("POST /api/public/hook/moodle/event HTTP/1.1\r\nhost: kleos\r\n\r\n"), Ended],
    ),
    Row(
        "200 connections that say nothing",
        &[Crowd(200), Send("$HEADcontent-length: 5\r\n\r\n[$ID]"), Stored("[$ID]")],
    ),
    Row(
        "three requests at once are answered in their order",
        &[
            Send(concat!(
                "$HEADcontent-length: 6\r\n\r\n[1$ID]$HEADtransfer-encoding: chunked\r\n\r\n6\r\n[2$ID]",
                "\r\n0\r\n\r\n$HEADcontent-length: 6\r\n\r\n[3$ID]",
            )),
            Stored("[1$ID]"),
            Stored("[2$ID]"),
            Stored("[3$ID]"),
        ],
    ),
    Row(
        "of requests at once one is refused, and the next is no request",
        &[
            Send(concat!(
                "$HEADcontent-length: 6\r\n\r\n[1$ID]POST /admin HTTP/1.1\r\n\r\n",
                "$HEADcontent-length: 6\r\n\r\n[2$ID]nonsense\r\n\r\n$HEADcontent-length: 2\r\n\r\n{}",
            )),
            Stored("[1$ID]"),
            Refused(404, "not_found"),
            Stored("[2$ID]"),
            super::rows::Do::Bare(400),
            Finish,
            Closed,
        ],
    ),
];
