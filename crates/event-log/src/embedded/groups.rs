//! Who reads which partition: the embedded log's group coordinator.
//!
//! Every worker of a group has a session. A session that joins under a name that is taken replaces
//! the one before; a session that has not polled for too long loses its partitions to the others.
//! What a replaced or expired session commits is refused.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::record::Partition;

/// One member's session.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Session {
    pub(super) group: String,
    pub(super) member: String,
    pub(super) number: u64,
}

/// The session is not a member any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the worker's partitions belong to another worker")]
pub(super) struct Fenced;

/// Partitions that come and go with a poll.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Moves {
    pub(super) assigned: Vec<Partition>,
    pub(super) revoked: Vec<Partition>,
}

#[derive(Debug)]
pub(super) struct Groups {
    groups: BTreeMap<String, Group>,
    sessions: u64,
    poll_interval_max: Duration,
}

#[derive(Debug, Default)]
struct Group {
    partitions: Vec<Partition>,
    members: BTreeMap<String, Member>,
    owners: BTreeMap<Partition, String>,
}

#[derive(Debug)]
struct Member {
    session: u64,
    last_poll: Duration,
}

impl Groups {
    pub(super) fn new(poll_interval_max: Duration) -> Self {
        Self { groups: BTreeMap::new(), sessions: 0, poll_interval_max }
    }

    /// Begins a session. A session of the same member ends, and its partitions are free at once.
    pub(super) fn join(
        &mut self,
        group: &str,
        member: &str,
        partitions: &[Partition],
        now: Duration,
    ) -> Session {
        self.sessions += 1;
        let number = self.sessions;
        let state = self.groups.entry(group.to_owned()).or_default();
        state.partitions = partitions.to_vec();
        state.owners.retain(|_, owner| owner != member);
        state.members.insert(member.to_owned(), Member { session: number, last_poll: now });
        Session { group: group.to_owned(), member: member.to_owned(), number }
    }

    /// Ends a session and frees its partitions.
    pub(super) fn leave(&mut self, session: &Session) {
        if self.is_member(session)
            && let Some(group) = self.groups.get_mut(&session.group)
        {
            group.remove(&session.member);
        }
    }

    /// Tells which partitions come and go. Those that go are free when this returns.
    pub(super) fn poll(&mut self, session: &Session, now: Duration) -> Result<Moves, Fenced> {
        let poll_interval_max = self.poll_interval_max;
        if !self.is_member(session) {
            return Err(Fenced);
        }
        let Some(group) = self.groups.get_mut(&session.group) else { return Err(Fenced) };
        if let Some(member) = group.members.get_mut(&session.member) {
            member.last_poll = now;
        }
        group.expire(now, poll_interval_max);
        Ok(group.balance(&session.member))
    }

    /// Whether all the partitions are the session's.
    pub(super) fn owns(
        &self,
        session: &Session,
        partitions: impl IntoIterator<Item = Partition>,
    ) -> Result<(), Fenced> {
        let Some(group) = self.groups.get(&session.group) else { return Err(Fenced) };
        let owned = |partition| group.owners.get(&partition) == Some(&session.member);
        if self.is_member(session) && partitions.into_iter().all(owned) {
            Ok(())
        } else {
            Err(Fenced)
        }
    }

    /// Whether another session has the member's name.
    pub(super) fn is_replaced(&self, session: &Session) -> bool {
        self.member(session).is_some_and(|member| member.session != session.number)
    }

    fn is_member(&self, session: &Session) -> bool {
        self.member(session).is_some_and(|member| member.session == session.number)
    }

    fn member(&self, session: &Session) -> Option<&Member> {
        self.groups.get(&session.group).and_then(|group| group.members.get(&session.member))
    }
}

impl Group {
    fn remove(&mut self, member: &str) {
        self.members.remove(member);
        self.owners.retain(|_, owner| owner != member);
    }

    fn expire(&mut self, now: Duration, poll_interval_max: Duration) {
        let late: Vec<String> = self
            .members
            .iter()
            .filter(|(_, member)| now.saturating_sub(member.last_poll) > poll_interval_max)
            .map(|(name, _)| name.clone())
            .collect();
        late.iter().for_each(|member| self.remove(member));
    }

    /// Moves partitions so that no member has two more than another. Only `member`'s own come and
    /// go here; what others have too many of comes free when they poll.
    fn balance(&mut self, member: &str) -> Moves {
        let members = self.members.len().max(1);
        let (share, rest) = (self.partitions.len() / members, self.partitions.len() % members);
        let rank = self.members.keys().position(|name| name == member).unwrap_or_default();
        let quota = share + usize::from(rank < rest);
        let held: Vec<Partition> = self
            .partitions
            .iter()
            .copied()
            .filter(|partition| self.owners.get(partition).is_some_and(|owner| owner == member))
            .collect();
        let revoked: Vec<Partition> = held.iter().copied().skip(quota).collect();
        revoked.iter().for_each(|partition| {
            self.owners.remove(partition);
        });
        let assigned: Vec<Partition> = self
            .partitions
            .iter()
            .copied()
            .filter(|partition| !self.owners.contains_key(partition))
            .filter(|partition| !revoked.contains(partition))
            .take(quota.saturating_sub(held.len()))
            .collect();
        for partition in &assigned {
            self.owners.insert(*partition, member.to_owned());
        }
        Moves { assigned, revoked }
    }
}

#[cfg(test)]
mod tests {
    use kleos_contracts::topic::Topic;

    use super::*;

    const LATE: Duration = Duration::from_secs(11);

    fn partitions(numbers: std::ops::Range<i32>) -> Vec<Partition> {
        numbers.map(|number| Partition::new(Topic::Events, number)).collect()
    }

    fn groups() -> Groups {
        Groups::new(Duration::from_secs(10))
    }

    #[test]
    fn a_single_member_gets_all_and_gives_half_to_a_second() {
        let mut groups = groups();
        let a = groups.join("g", "a", &partitions(0..4), Duration::ZERO);
        let all = Moves { assigned: partitions(0..4), revoked: vec![] };
        assert_eq!(groups.poll(&a, Duration::ZERO), Ok(all));
        let b = groups.join("g", "b", &partitions(0..4), Duration::ZERO);
        assert_eq!(groups.poll(&b, Duration::ZERO), Ok(Moves::default()));
        let half = Moves { assigned: vec![], revoked: partitions(2..4) };
        assert_eq!(groups.poll(&a, Duration::ZERO), Ok(half));
        let other = Moves { assigned: partitions(2..4), revoked: vec![] };
        assert_eq!(groups.poll(&b, Duration::ZERO), Ok(other));
        assert_eq!(groups.owns(&a, partitions(0..2)), Ok(()));
        assert_eq!(groups.owns(&a, partitions(0..3)), Err(Fenced));
    }

    #[test]
    fn a_member_that_comes_again_takes_its_own_place_and_fences_the_one_before() {
        let mut groups = groups();
        let first = groups.join("g", "a", &partitions(0..2), Duration::ZERO);
        groups.poll(&first, Duration::ZERO).unwrap();
        let second = groups.join("g", "a", &partitions(0..2), Duration::ZERO);
        assert_eq!(groups.poll(&first, Duration::ZERO), Err(Fenced));
        assert_eq!(groups.owns(&first, partitions(0..1)), Err(Fenced));
        assert_eq!(groups.poll(&second, Duration::ZERO).unwrap().assigned, partitions(0..2));
    }

    #[test]
    fn a_member_that_does_not_poll_loses_its_partitions() {
        let mut groups = groups();
        let a = groups.join("g", "a", &partitions(0..2), Duration::ZERO);
        groups.poll(&a, Duration::ZERO).unwrap();
        let b = groups.join("g", "b", &partitions(0..2), LATE);
        assert_eq!(groups.poll(&b, LATE).unwrap().assigned, partitions(0..2));
        assert_eq!(groups.owns(&a, partitions(0..1)), Err(Fenced));
    }

    #[test]
    fn a_member_that_leaves_frees_its_partitions() {
        let mut groups = groups();
        let a = groups.join("g", "a", &partitions(0..2), Duration::ZERO);
        groups.poll(&a, Duration::ZERO).unwrap();
        groups.leave(&a);
        let b = groups.join("g", "b", &partitions(0..2), Duration::ZERO);
        assert_eq!(groups.poll(&b, Duration::ZERO).unwrap().assigned, partitions(0..2));
    }

    #[test]
    fn groups_do_not_know_each_other() {
        let mut groups = groups();
        let a = groups.join("g", "a", &partitions(0..2), Duration::ZERO);
        let b = groups.join("h", "a", &partitions(0..2), Duration::ZERO);
        assert_eq!(groups.poll(&a, Duration::ZERO).unwrap().assigned.len(), 2);
        assert_eq!(groups.poll(&b, Duration::ZERO).unwrap().assigned.len(), 2);
    }
}
