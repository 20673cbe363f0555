//! The bytes of packed counters. What is read here has been checked; nothing is trusted to be
//! there all the same.

use std::ops::Range;

use integer_encoding::VarInt;

use super::CountersError;
use crate::period::Period;

/// The counters of one window, and where they lie.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Group {
    pub(super) per: Period,
    pub(super) window: i32,
    start: usize,
    entries: Range<usize>,
}

impl Group {
    /// With its header.
    pub(super) const fn whole(&self) -> Range<usize> {
        self.start..self.entries.end
    }

    pub(super) fn entries<'b>(&self, bytes: &'b [u8]) -> &'b [u8] {
        bytes.get(self.entries.clone()).unwrap_or_default()
    }
}

/// One counter: its scope is `shared` bytes of the scope before it, and `rest`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry<'b> {
    pub(super) shared: usize,
    pub(super) rest: &'b [u8],
    pub(super) count: u64,
    start: usize,
    end: usize,
}

/// Where a scope's counter lies among the entries of a group.
pub(super) enum Place {
    Found {
        count: u64,
        /// Where the count lies.
        at: Range<usize>,
    },
    Missing {
        /// Where it belongs.
        at: usize,
        /// Bytes that it has in common with the entry before.
        shared: usize,
        /// Bytes that the entry behind has in common with it.
        next_shared: usize,
    },
}

pub(super) fn groups(bytes: &[u8]) -> impl Iterator<Item = Group> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let group = read_group(bytes, at)?;
        at = group.entries.end;
        Some(group)
    })
}

fn read_group(bytes: &[u8], start: usize) -> Option<Group> {
    let (code, _) = bytes.get(start..)?.split_first()?;
    let per = *Period::ALL.get(usize::from(*code))?;
    let (window, at) = number(bytes, start + 1)?;
    let (length, at) = number::<usize>(bytes, at)?;
    let end = at.checked_add(length).filter(|end| *end <= bytes.len())?;
    Some(Group { per, window, start, entries: at..end })
}

pub(super) fn entries(bytes: &[u8]) -> impl Iterator<Item = Entry<'_>> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let entry = read_entry(bytes, at)?;
        at = entry.end;
        Some(entry)
    })
}

fn read_entry(bytes: &[u8], start: usize) -> Option<Entry<'_>> {
    let (shared, at) = number(bytes, start)?;
    let (length, at) = number::<usize>(bytes, at)?;
    let rest = bytes.get(at..at.checked_add(length)?)?;
    let (count, end) = number(bytes, at + length)?;
    Some(Entry { shared, rest, count, start, end })
}

/// The number that begins at a place, and where it ends.
fn number<N: VarInt>(bytes: &[u8], at: usize) -> Option<(N, usize)> {
    let (number, length) = N::decode_var(bytes.get(at..)?)?;
    Some((number, at + length))
}

/// Finds a scope without putting any other together: as the entries ascend, what an entry shares
/// with the one before says on which side of the wanted one it lies.
pub(super) fn find(bytes: &[u8], scope: &[u8]) -> Place {
    // Bytes that the wanted scope has in common with the entry before.
    let mut shared = 0;
    for entry in entries(bytes) {
        if entry.shared > shared {
            continue;
        }
        if entry.shared < shared {
            return Place::Missing { at: entry.start, shared, next_shared: entry.shared };
        }
        let wanted = scope.get(shared..).unwrap_or_default();
        let common = in_common(entry.rest, wanted);
        match (entry.rest.get(common), wanted.get(common)) {
            (None, None) => {
                let at = entry.end - entry.count.required_space()..entry.end;
                return Place::Found { count: entry.count, at };
            }
            (Some(found), Some(wanted)) if found < wanted => shared += common,
            (None, Some(_)) => shared += common,
            (Some(_), _) => {
                let next_shared = shared + common;
                return Place::Missing { at: entry.start, shared, next_shared };
            }
        }
    }
    Place::Missing { at: bytes.len(), shared, next_shared: 0 }
}

fn in_common(left: &[u8], right: &[u8]) -> usize {
    left.iter().zip(right).take_while(|(left, right)| left == right).count()
}

/// The entries with so many awards more of a scope, and how many it has now.
pub(super) fn add(bytes: &[u8], scope: &[u8], awards: u64) -> (Vec<u8>, u64) {
    let mut changed = Vec::with_capacity(bytes.len() + scope.len() + 8);
    match find(bytes, scope) {
        Place::Found { count, at } => {
            let count = count.saturating_add(awards);
            changed.extend_from_slice(&bytes[..at.start]);
            changed.extend(count.encode_var_vec());
            changed.extend_from_slice(&bytes[at.end..]);
            (changed, count)
        }
        Place::Missing { at, shared, next_shared } => {
            changed.extend_from_slice(&bytes[..at]);
            write_entry(&mut changed, shared, &scope[shared..], awards);
            let mut behind = at;
            if let Some(next) = read_entry(bytes, at) {
                let rest = &next.rest[next_shared - next.shared..];
                write_entry(&mut changed, next_shared, rest, next.count);
                behind = next.end;
            }
            changed.extend_from_slice(&bytes[behind..]);
            (changed, awards)
        }
    }
}

fn write_entry(bytes: &mut Vec<u8>, shared: usize, rest: &[u8], count: u64) {
    bytes.extend(shared.encode_var_vec());
    bytes.extend(rest.len().encode_var_vec());
    bytes.extend_from_slice(rest);
    bytes.extend(count.encode_var_vec());
}

pub(super) fn group(per: Period, window: i32, entries: &[u8]) -> Vec<u8> {
    let code = Period::ALL.iter().position(|known| *known == per).unwrap_or_default();
    let mut bytes = Vec::with_capacity(entries.len() + 8);
    bytes.extend(code.encode_var_vec());
    bytes.extend(window.encode_var_vec());
    bytes.extend(entries.len().encode_var_vec());
    bytes.extend_from_slice(entries);
    bytes
}

/// Whether these are bytes that counters leave: nothing torn, nothing out of order, no number longer
/// than it must be.
pub(super) fn check(bytes: &[u8]) -> Result<(), CountersError> {
    let mut before = None;
    let mut at = 0;
    while at < bytes.len() {
        let failed = |what| Err(CountersError { at, what });
        let Some(group) = read_group(bytes, at) else { return failed("expected a group") };
        if before >= Some((group.per, group.window)) {
            return failed("the groups do not ascend");
        }
        let entries = group.entries(bytes);
        check_entries(entries)
            .map_err(|error| CountersError { at: group.entries.start + error.at, ..error })?;
        if self::group(group.per, group.window, entries) != bytes[group.whole()] {
            return failed("a number is longer than it must be");
        }
        before = Some((group.per, group.window));
        at = group.entries.end;
    }
    Ok(())
}

fn check_entries(bytes: &[u8]) -> Result<(), CountersError> {
    let (mut scope, mut at): (Vec<u8>, _) = (Vec::new(), 0);
    loop {
        let failed = |what| Err(CountersError { at, what });
        let Some(entry) = read_entry(bytes, at) else { return failed("expected an entry") };
        let is_first = at == 0;
        let passes = match (scope.get(entry.shared), entry.rest.first()) {
            _ if is_first => entry.shared == 0,
            (Some(before), Some(next)) => before < next,
            (None, Some(_)) => entry.shared == scope.len(),
            (_, None) => false,
        };
        if !passes {
            return failed("the scopes do not ascend");
        }
        scope.truncate(entry.shared);
        scope.extend_from_slice(entry.rest);
        if std::str::from_utf8(&scope).is_err() {
            return failed("a scope is not UTF-8");
        }
        if entry.count == 0 {
            return failed("a count of nothing");
        }
        let shortest = entry.shared.required_space()
            + entry.rest.len().required_space()
            + entry.rest.len()
            + entry.count.required_space();
        if entry.end - entry.start != shortest {
            return failed("a number is longer than it must be");
        }
        at = entry.end;
        if at == bytes.len() {
            return Ok(());
        }
    }
}
