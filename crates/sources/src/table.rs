//! A platform's types, and what each of them leads to: registries, one entry a type.

use crate::verdict::Verdict;

/// One type of a platform.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Row<K: 'static> {
    /// As the platform writes it.
    pub(crate) name: &'static str,
    leads_to: LeadsTo<K>,
}

#[derive(Clone, Copy, Debug)]
enum LeadsTo<K: 'static> {
    Event(&'static str, K),
    Nothing(&'static str),
}

/// A type that becomes an event of the canonical name. The kind says what is particular to it.
pub(crate) const fn row<K>(name: &'static str, canonical: &'static str, kind: K) -> Row<K> {
    Row { name, leads_to: LeadsTo::Event(canonical, kind) }
}

/// A type that there is nothing to tell of, with a code of [`crate::item::ignored`].
pub(crate) const fn ignored<K>(name: &'static str, why: &'static str) -> Row<K> {
    Row { name, leads_to: LeadsTo::Nothing(why) }
}

/// The canonical name and the kind of a type.
pub(crate) fn find<K: Copy>(
    rows: &'static [Row<K>],
    name: &str,
) -> Result<(&'static str, K), Verdict> {
    match rows.iter().find(|row| row.name == name).map(|row| row.leads_to) {
        Some(LeadsTo::Event(canonical, kind)) => Ok((canonical, kind)),
        Some(LeadsTo::Nothing(why)) => Err(Verdict::Ignored { r#type: name.to_owned(), why }),
        None => Err(Verdict::Unmapped { r#type: name.to_owned() }),
    }
}

/// Holds a registry to what every registry has: each name once, and registered canonical names.
#[cfg(test)]
#[track_caller]
pub(crate) fn check<K>(rows: &[Row<K>]) {
    use kleos_contracts::event_name;

    for row in rows {
        assert_eq!(rows.iter().filter(|other| other.name == row.name).count(), 1, "{}", row.name);
        if let LeadsTo::Event(canonical, _) = row.leads_to {
            assert!(event_name::entry(canonical).is_some(), "{canonical}");
        }
    }
}
