//! Bodies that are encoded, or say that they are.

use std::io::Write;

use flate2::Compression;
use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};

use super::rows::{CUSTOM, MOODLE, PORTAL_TOKEN, TOKEN, case, post};
use super::{Case, Step};

const GROUP: &str = "encoding";
const MOST: usize = 1 << 20;

/// `[700]`, as another program has encoded it.
const BROTLI: &str = "0b02805b3730305d03";

/// What a program of one's own may send.
const EVENT: &[u8] = br#"{"event":"lesson.completed","user":{"id":735}}"#;

pub(super) fn cases() -> Vec<Case> {
    let mut cases = undone();
    cases.extend(as_they_came());
    cases.extend(told());
    cases.extend(bombs());
    cases
}

fn text(id: u32) -> Vec<u8> {
    format!("[{id}]").into_bytes()
}

fn encoded<W: Write>(mut encoder: W, body: &[u8], finish: impl Fn(W) -> Vec<u8>) -> Vec<u8> {
    // Into memory nothing fails.
    encoder.write_all(body).ok();
    finish(encoder)
}

fn gzip(body: &[u8]) -> Vec<u8> {
    let encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoded(encoder, body, |encoder| encoder.finish().unwrap_or_default())
}

fn zlib(body: &[u8]) -> Vec<u8> {
    let encoder = ZlibEncoder::new(Vec::new(), Compression::best());
    encoded(encoder, body, |encoder| encoder.finish().unwrap_or_default())
}

fn deflate(body: &[u8]) -> Vec<u8> {
    let encoder = DeflateEncoder::new(Vec::new(), Compression::best());
    encoded(encoder, body, |encoder| encoder.finish().unwrap_or_default())
}

fn zstd(body: &[u8]) -> Vec<u8> {
    zstd::encode_all(body, 19).unwrap_or_default()
}

/// With a window of 128 MiB, of which its reader has to have all.
fn zstd_of_a_large_window(body: &[u8]) -> Vec<u8> {
    let Ok(mut encoder) = zstd::Encoder::new(Vec::new(), 1) else { return Vec::new() };
    encoder.window_log(27).and_then(|()| encoder.include_contentsize(false)).ok();
    encoded(encoder, body, |encoder| encoder.finish().unwrap_or_default())
}

fn campus(name: &str, encoding: &str, body: &[u8], then: Step) -> Case {
    let lines = format!("authorization: Bearer {TOKEN}\r\ncontent-encoding: {encoding}\r\n");
    case(GROUP, name, vec![Step::Send(post(MOODLE, &lines, body)), then])
}

fn portal(name: &str, encoding: &str, body: &[u8], then: Step) -> Case {
    let lines = format!("authorization: Bearer {PORTAL_TOKEN}\r\ncontent-encoding: {encoding}\r\n");
    case(GROUP, name, vec![Step::Send(post(CUSTOM, &lines, body)), then])
}

/// What the log has without its encoding.
fn undone() -> Vec<Case> {
    let parts = |id: u32| [gzip(&text(id)[..2]), gzip(&text(id)[2..])].concat();
    let rows: [(&str, &str, Vec<u8>, u32); 9] = [
        ("brotli", "br", hex::decode(BROTLI).unwrap_or_default(), 700),
        ("gzip", "gzip", gzip(&text(701)), 701),
        ("deflate with the frame of zlib", "deflate", zlib(&text(702)), 702),
        ("deflate without", "deflate", deflate(&text(703)), 703),
        ("zstd", "zstd", zstd(&text(704)), 704),
        ("gzip in parts", "gzip", parts(705), 705),
        ("gzip in capitals, and an empty name", "GZIP, ", gzip(&text(706)), 706),
        ("gzip after nothing", "identity, gzip", gzip(&text(707)), 707),
        ("nothing", "identity", text(708), 708),
    ];
    let rows = rows.into_iter();
    rows.map(|(name, encoding, body, id)| campus(name, encoding, &body, Step::Stored(text(id))))
        .collect()
}

/// What a platform sends and nobody can undo.
fn as_they_came() -> Vec<Case> {
    let nested = gzip(&gzip(&text(710)));
    let cut = |body: Vec<u8>| body[..body.len() - 1].to_vec();
    let mut wrong_sum = gzip(&text(712));
    let at = wrong_sum.len() - 8;
    wrong_sum[at] ^= 0xff;
    let mut wrong_length = gzip(&text(713));
    let at = wrong_length.len() - 1;
    wrong_length[at] ^= 0xff;
    let rows: [(&str, &str, Vec<u8>); 14] = [
        ("gzip in gzip, and says so", "gzip, gzip", nested),
        ("gzip in gzip, on two lines", "gzip\r\ncontent-encoding: gzip", gzip(&gzip(&text(711)))),
        ("gzip with a wrong sum", "gzip", wrong_sum),
        ("gzip with a wrong length", "gzip", wrong_length),
        ("gzip that is cut", "gzip", cut(gzip(&text(714)))),
        ("gzip with more behind it", "gzip", [gzip(&text(715)), text(715)].concat()),
        ("deflate that is cut", "deflate", cut(zlib(&text(716)))),
        ("zstd that is cut", "zstd", cut(zstd(&text(717)))),
        ("zstd with a large window", "zstd", zstd_of_a_large_window(&text(718))),
        ("brotli that is none", "br", text(719)),
        ("gzip that is none", "gzip", text(720)),
        ("an encoding that nobody knows", "compress", text(721)),
        ("an encoding with a weight", "gzip;q=1", gzip(&text(722))),
        ("gzip that says to be nothing", "identity", gzip(&text(723))),
    ];
    let rows = rows.into_iter();
    rows.map(|(name, encoding, body)| campus(name, encoding, &body, Step::Stored(body.clone())))
        .chain([no_body()])
        .collect()
}

fn no_body() -> Case {
    let lines = format!(
        "authorization: Bearer {TOKEN}\r\ncontent-encoding: gzip\r\nidempotency-key: no-body\r\n"
    );
    let steps = vec![Step::Send(post(MOODLE, &lines, b"")), Step::Stored(Vec::new())];
    case(GROUP, "gzip of no body", steps)
}

/// The same of somebody's own program, who is told.
fn told() -> Vec<Case> {
    let unsupported = || Step::Refused(415, "unsupported_encoding");
    let malformed = || Step::Refused(400, "malformed_encoding");
    vec![
        portal("one's own gzip in gzip", "gzip, gzip", &gzip(&gzip(&text(730))), unsupported()),
        portal("one's own unknown encoding", "compress", &text(731), unsupported()),
        portal("one's own gzip that is none", "gzip", &text(732), malformed()),
        portal("one's own gzip that is cut", "gzip", &gzip(&text(733))[..20], malformed()),
        portal(
            "one's own zstd with a large window",
            "zstd",
            &zstd_of_a_large_window(&text(734)),
            malformed(),
        ),
        portal("one's own gzip", "gzip", &gzip(EVENT), Step::Stored(EVENT.to_vec())),
    ]
}

/// Small bodies that become large ones.
fn bombs() -> Vec<Case> {
    let too_large = || Step::Refused(413, "payload_too_large");
    let many = vec![b' '; 20 << 20];
    let most = vec![b'\n'; MOST];
    // What is noise stays as long as it is; the rest is nearly nothing.
    let next = |number: &u64| Some(number.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1));
    let noise = std::iter::successors(Some(1_u64), next);
    let noise: Vec<u8> = noise.map(|number| number.to_be_bytes()[0]).take(9_000).collect();
    let dense = [&noise[..], &vec![b' '; 900_000]].concat();
    vec![
        campus("a bomb of gzip", "gzip", &gzip(&many), too_large()),
        campus("a bomb of deflate", "deflate", &zlib(&many), too_large()),
        campus("a bomb of zstd", "zstd", &zstd(&many), too_large()),
        campus(
            "a bomb in a hundred parts",
            "gzip",
            &gzip(&[b' '; 20_000]).repeat(100),
            too_large(),
        ),
        campus(
            "a body that is allowed, but 1,000 times as long",
            "gzip",
            &gzip(&most),
            too_large(),
        ),
        campus("the same of zstd, 20,000 times as long", "zstd", &zstd(&most), too_large()),
        campus(
            "a body that is 100 times as long",
            "gzip",
            &gzip(&dense),
            Step::Stored(dense.clone()),
        ),
        campus(
            "a short body that is many times as long",
            "zstd",
            &zstd(&most[..60_000]),
            Step::Stored(most[..60_000].to_vec()),
        ),
    ]
}
