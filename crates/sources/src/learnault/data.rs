//! The data of an event, the same in both envelopes.

use kleos_contracts::event::{Context, Metrics, Object, Place};
use kleos_contracts::time::Timestamp;

use super::table::Kind;
use crate::draft::Learner;
use crate::read::fields::Fields;
use crate::verdict::Verdict;

/// What tells two events of a learner in one millisecond apart, if the data has it.
const TELLING: &[&str] = &[
    "transactionHash",
    "withdrawalId",
    "sourceId",
    "type",
    "amount",
    "asset",
    "milestone",
    "referredUserId",
];

/// The data, of a kind.
#[derive(Debug)]
pub(super) struct Data<'a> {
    kind: Kind,
    fields: Fields<'a>,
}

impl<'a> Data<'a> {
    pub(super) fn of(envelope: &Fields<'a>, kind: Kind) -> Result<Self, Verdict> {
        Ok(Self { kind, fields: envelope.object("data", "data.")? })
    }

    pub(super) fn learner(&self, r#type: &str) -> Result<Learner, Verdict> {
        let fields = &self.fields;
        let referrer_id = match self.kind {
            Kind::Referral | Kind::Conversion => fields.id("referrerId")?,
            Kind::Account
            | Kind::Module
            | Kind::Milestone
            | Kind::Reward
            | Kind::Withdrawal
            | Kind::Credential => None,
        };
        // A conversion's `userId` may as well be of whom was brought, which nothing tells.
        let is_users = self.kind != Kind::Conversion && referrer_id.is_none();
        if !is_users {
            let learner = Learner { id: referrer_id, ..Learner::default() };
            return learner.known(&fields.path_of("referrerId"), r#type);
        }
        let email = fields.lenient_text("userEmail").or(fields.lenient_text("email"));
        let wallet =
            fields.lenient_text("walletAddress").or(fields.lenient_text("userStellarAddress"));
        let learner = Learner {
            id: fields.id("userId")?,
            email: email.map(str::to_owned),
            external_ids: wallet
                .map(|wallet| ("wallet".to_owned(), wallet.to_owned()))
                .into_iter()
                .collect(),
        };
        learner.known(&fields.path_of("userId"), r#type)
    }

    pub(super) fn context(&self) -> Result<Context, Verdict> {
        let module = match self.kind {
            Kind::Module | Kind::Credential => self.fields.place("moduleId", "moduleTitle")?,
            // What the reward is for.
            Kind::Reward if self.fields.lenient_text("sourceType") == Some("module") => {
                self.fields.id("sourceId")?.map(|id| Place { id, title: None })
            }
            Kind::Reward
            | Kind::Account
            | Kind::Milestone
            | Kind::Withdrawal
            | Kind::Referral
            | Kind::Conversion => None,
        };
        Ok(Context { lesson: module, ..Context::default() })
    }

    pub(super) fn object(&self) -> Result<Option<Object>, Verdict> {
        let (object_type, name) = match self.kind {
            Kind::Credential => ("certificate", "credentialId"),
            Kind::Reward => ("reward", "transactionHash"),
            Kind::Withdrawal => ("withdrawal", "withdrawalId"),
            Kind::Milestone => ("milestone", "milestone"),
            Kind::Referral | Kind::Conversion => ("referral", "referredUserId"),
            Kind::Account | Kind::Module => return Ok(None),
        };
        let id = self.fields.id(name)?;
        Ok(id.map(|id| Object { r#type: object_type.to_owned(), id: Some(id), attempt: None }))
    }

    pub(super) fn metrics(&self) -> Metrics {
        if self.kind != Kind::Module {
            return Metrics::default();
        }
        Metrics {
            score_pct: self.fields.clamped_percent("score"),
            time_on_task_sec: self.fields.seconds("timeSpent").unwrap_or_default(),
            ..Metrics::default()
        }
    }

    /// Where the envelope has no time.
    pub(super) fn occurred_at(&self) -> Option<Timestamp> {
        ["completedAt", "issuedAt", "processedAt", "createdAt"]
            .into_iter()
            .find_map(|name| self.fields.instant(name))
    }

    pub(super) fn discriminators(&self) -> Vec<String> {
        TELLING
            .iter()
            .map(|name| self.fields.lenient_text(name).unwrap_or_default().to_owned())
            .collect()
    }
}
