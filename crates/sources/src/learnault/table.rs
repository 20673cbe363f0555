//! Learnault's types, documented and sent.

use kleos_contracts::event_name as name;

use crate::item::ignored as why;
use crate::table::{Row, ignored, row};

/// What the data is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Account,
    Module,
    Milestone,
    Reward,
    Withdrawal,
    Credential,
    /// The learner is who brought somebody.
    Referral,
    /// Somebody who was brought did something. The learner is still who brought them.
    Conversion,
}

pub(super) const TYPES: &[Row<Kind>] = &[
    row("module.completed", name::LESSON_COMPLETED, Kind::Module),
    row("module.started", name::LESSON_STARTED, Kind::Module),
    row("module.failed", name::QUIZ_FAILED, Kind::Module),
    row("milestone.reached", name::MILESTONE_REACHED, Kind::Milestone),
    row("credential.issued", name::CERTIFICATE_ISSUED, Kind::Credential),
    row("credential.revoked", name::CERTIFICATE_REVOKED, Kind::Credential),
    row("reward.issued", name::REWARD_ISSUED, Kind::Reward),
    row("reward.failed", name::REWARD_FAILED, Kind::Reward),
    row("reward.withdrawn", name::REWARD_WITHDRAWN, Kind::Withdrawal),
    row("referral.created", name::REFERRAL_CREATED, Kind::Referral),
    row("referral.converted", name::REFERRAL_CONVERTED, Kind::Conversion),
    row("referral.rewarded", name::REFERRAL_REWARDED, Kind::Referral),
    row("user.created", name::USER_CREATED, Kind::Account),
    // What the code sends for the documented one above.
    row("user.registered", name::USER_CREATED, Kind::Account),
    row("user.verified", name::USER_VERIFIED, Kind::Account),
    row("user.updated", name::USER_UPDATED, Kind::Account),
    row("user.deleted", name::USER_DELETED, Kind::Account),
    ignored("credential.verified", why::NOT_BY_THE_LEARNER),
    ignored("employer.contacted", why::NOT_BY_THE_LEARNER),
    ignored("employer.searched", why::NOT_ABOUT_A_LEARNER),
    ignored("employer.subscribed", why::NOT_ABOUT_A_LEARNER),
    ignored("webhook.disabled", why::OWN_EVENT),
    ignored("webhook.test", why::TEST),
    ignored("system.test", why::TEST),
];

#[cfg(test)]
mod tests {
    #[test]
    fn every_type_is_there_once_and_leads_to_a_registered_name() {
        crate::table::check(super::TYPES);
    }
}
