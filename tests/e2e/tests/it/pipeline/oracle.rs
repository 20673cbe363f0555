//! The oracle notices.

use std::path::Path;

use kleos_e2e::account::{self, Account};
use serde_json::Value;

use super::{Run, UP, assert_right};

type Change = fn(&mut Vec<String>);
type Found = fn(&Account) -> u64;

#[test]
fn whatever_is_taken_out_or_put_in_is_found() {
    let directory = tempfile::tempdir().unwrap();
    let mut run = Run::start(directory.path(), &UP, None, false);
    assert_right(&run.showcase(10).1);
    let dumped = directory.path().join("account");
    let none = Account::default();
    let cases: [(&str, Change, Found); 7] = [
        ("raw.jsonl", take_out, |account| account.missing),
        ("events.jsonl", take_out, |account| account.missing),
        ("awards.jsonl", take_out, |account| account.missing),
        ("awards.jsonl", put_in_again, |account| account.doubled),
        ("raw.jsonl", put_in_again, |account| account.doubled),
        ("awards.jsonl", change_points, |account| account.foreign),
        ("state-kleos.jsonl", take_out, |account| account.state_mismatch),
    ];
    for (file, change, found) in cases {
        let path = dumped.join(file);
        let whole = std::fs::read_to_string(&path).unwrap();
        rewrite(&path, &whole, change);
        let account = account::account(&dumped).unwrap();
        assert!(found(&account) > found(&none), "{file}: {account:?}");
        std::fs::write(&path, whole).unwrap();
    }
    assert_right(&account::account(&dumped).unwrap());
}

fn rewrite(path: &Path, whole: &str, change: Change) {
    let mut lines: Vec<String> = whole.lines().map(str::to_owned).collect();
    change(&mut lines);
    std::fs::write(path, lines.join("\n") + "\n").unwrap();
}

fn take_out(lines: &mut Vec<String>) {
    lines.remove(lines.len() / 2);
}

fn put_in_again(lines: &mut Vec<String>) {
    // At an offset of its own, as a record that was written twice would have.
    let mut line: Value = serde_json::from_str(&lines[lines.len() / 2]).unwrap();
    line["offset"] = 1_000_000.into();
    lines.push(line.to_string());
}

fn change_points(lines: &mut Vec<String>) {
    let mut line: Value = serde_json::from_str(&lines.remove(0)).unwrap();
    line["value"]["points"] = 7.into();
    lines.push(line.to_string());
}
