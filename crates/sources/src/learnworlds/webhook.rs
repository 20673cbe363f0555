//! Webhooks of version 2 and their legacy, whose bodies `LearnWorlds` writes.

use kleos_contracts::event::{Context, Object, Place};
use kleos_contracts::event_name as name;
use kleos_contracts::raw::RawWebhook;
use kleos_contracts::time::Timestamp;
use serde_json::Value;

use super::table::{Kind, TYPES};
use crate::draft::{self, Draft, Learner, Naming};
use crate::read::boolean::boolean;
use crate::read::fields::Fields;
use crate::verdict::Verdict;

/// A user who logged in later than this after the account was made did not just register.
const REGISTRATION_MICROS: i64 = 60_000_000;

/// An account that is older when its webhook arrives was not just made, however late a delivery
/// is repeated.
const REGISTRATION_TOLD_MICROS: i64 = 7 * 86_400_000_000;

/// Product types that are programmes of several courses.
const PROGRAMMES: &[&str] = &["learning_program", "learning_collection"];

/// The parts of a webhook's data that several kinds share.
struct Data<'a> {
    kind: Kind,
    fields: Fields<'a>,
    user: Fields<'a>,
    payment: Fields<'a>,
    product: Fields<'a>,
    certificate: Fields<'a>,
}

/// The event that the fields tell of.
pub(super) fn map(
    fields: &Fields<'_>,
    r#type: &str,
    webhook: &RawWebhook,
) -> Result<Draft, Verdict> {
    let (canonical, kind) = crate::table::find(TYPES, r#type)?;
    let data = Data::of(fields, kind)?;
    let learner = data.learner(r#type)?;
    let mut draft = Draft {
        event: canonical.into(),
        learner,
        context: data.context()?,
        object: data.object()?,
        is_privileged: data.is_privileged(),
        occurred_at: data.occurred_at(),
        request_id: draft::request_id(webhook),
        lms_eventname: Some(r#type.to_owned()),
        naming: Naming::Digest,
        ..Draft::default()
    };
    match kind {
        Kind::Purchase if draft.context.course.is_some() => {
            draft.event = name::ENROLLMENT_CREATED.into();
        }
        Kind::Profile => {
            if let Some(registered_at) = data.registered_at(webhook.received_at) {
                draft.event = name::USER_CREATED.into();
                draft.occurred_at = Some(registered_at);
            }
        }
        // Changes of tags have no time: what tells them apart is what the tags are now.
        Kind::Tags => draft.discriminators = data.tags(),
        // Each month's payment is told under the subscription's one id.
        Kind::Subscription => draft.discriminators.extend(data.payment.id("id")?),
        Kind::Completion
        | Kind::Certificate
        | Kind::Course
        | Kind::Purchase
        | Kind::Payment
        | Kind::Unenrolment => {}
    }
    Ok(draft)
}

impl<'a> Data<'a> {
    fn of(envelope: &Fields<'a>, kind: Kind) -> Result<Self, Verdict> {
        let fields =
            if envelope.has("data") { envelope.object("data", "data.")? } else { *envelope };
        let payment = fields.object("payment", "data.payment.")?;
        let product = if payment.has("product") { payment } else { fields };
        Ok(Self {
            kind,
            fields,
            user: user(&fields, kind)?,
            payment,
            product: product.object("product", "data.product.")?,
            certificate: fields.object("certificate", "data.certificate.")?,
        })
    }

    fn learner(&self, r#type: &str) -> Result<Learner, Verdict> {
        let in_certificate = self.certificate.object("user", "data.certificate.user.")?;
        let mut id = self.user.id("id")?;
        for other in
            [in_certificate.id("id")?, self.payment.id("user_id")?, self.fields.id("user_id")?]
        {
            id = id.or(other);
        }
        let email = self.user.lenient_text("email").or(in_certificate.lenient_text("email"));
        let username = self.user.lenient_text("username");
        let external_ids =
            username.map(|username| ("username".to_owned(), username.to_owned())).into_iter();
        let learner =
            Learner { id, email: email.map(str::to_owned), external_ids: external_ids.collect() };
        learner.known(&self.user.path_of("id"), r#type)
    }

    fn context(&self) -> Result<Context, Verdict> {
        let course = self.fields.object("course", "data.course.")?;
        let programme = self.fields.object("learningProgram", "data.learningProgram.")?;
        let mut context = Context {
            course: course.place("id", "title")?,
            programme: programme.place("id", "title")?,
            ..Context::default()
        };
        match self.kind {
            Kind::Certificate => {
                context.course = context.course.or(self.certificate.place("course_id", "")?);
            }
            Kind::Purchase | Kind::Unenrolment => match self.product.lenient_text("type") {
                Some("course") => context.course = self.product()?,
                Some(r#type) if PROGRAMMES.contains(&r#type) => {
                    context.programme = self.product()?;
                }
                _ => {}
            },
            Kind::Completion
            | Kind::Course
            | Kind::Payment
            | Kind::Subscription
            | Kind::Profile
            | Kind::Tags => {}
        }
        Ok(context)
    }

    /// The product. Payments name it by `name`, all else by `title`.
    fn product(&self) -> Result<Option<Place>, Verdict> {
        let title = if self.product.has("title") { "title" } else { "name" };
        self.product.place("id", title)
    }

    fn object(&self) -> Result<Option<Object>, Verdict> {
        let of = |object_type: &str, id: Option<String>| {
            id.map(|id| Object { r#type: object_type.to_owned(), id: Some(id), attempt: None })
        };
        Ok(match self.kind {
            Kind::Certificate => of("certificate", self.certificate.id("id")?),
            Kind::Purchase | Kind::Payment => of("payment", self.payment.id("id")?),
            Kind::Subscription => of("subscription", self.subscription_id()?),
            Kind::Unenrolment => match self.product.lenient_text("type") {
                Some("course") => None,
                r#type => of(r#type.unwrap_or("product"), self.product.id("id")?),
            },
            Kind::Completion | Kind::Course | Kind::Profile | Kind::Tags => None,
        })
    }

    fn subscription_id(&self) -> Result<Option<String>, Verdict> {
        for (name, path) in [("subscription", "data.subscription."), ("new_plan", "data.new_plan.")]
        {
            if let Some(id) = self.fields.object(name, path)?.id("id")? {
                return Ok(Some(id));
            }
        }
        self.product.id("id")
    }

    /// Somebody else ticked it off, or it is an admin who tries things out.
    fn is_privileged(&self) -> bool {
        let says_yes = |fields: &Fields<'_>, name| fields.get(name).and_then(boolean) == Some(true);
        let role = self.user.get("role").and_then(|role| role.get("level"));
        says_yes(&self.fields, "manually_completed")
            || says_yes(&self.user, "is_admin")
            || role.and_then(Value::as_str) == Some("admin")
    }

    /// When it happened, if anything says so: `created` beside a user's fields is the user's.
    fn occurred_at(&self) -> Option<Timestamp> {
        let of_payment = || self.payment.instant("created").or(self.payment.instant("paid_at"));
        match self.kind {
            Kind::Completion => self.fields.instant("completed_at"),
            Kind::Certificate => self.certificate.instant("issued"),
            Kind::Course | Kind::Unenrolment => self.fields.instant("date"),
            Kind::Purchase | Kind::Payment => of_payment(),
            Kind::Subscription => of_payment()
                .or_else(|| self.fields.instant("date"))
                .or_else(|| self.fields.instant("created_at")),
            Kind::Profile | Kind::Tags => None,
        }
    }

    /// When the user registered, if that is what the webhook tells of.
    fn registered_at(&self, told_at: Timestamp) -> Option<Timestamp> {
        let registered_at = self.user.instant("created").or(self.user.instant("created_at"))?;
        if told_at.since(registered_at) > REGISTRATION_TOLD_MICROS {
            return None;
        }
        match self.user.get("last_login") {
            None => Some(registered_at),
            Some(_) => {
                let since = self.user.instant("last_login")?.since(registered_at);
                (since < REGISTRATION_MICROS).then_some(registered_at)
            }
        }
    }

    /// The tags, in the order of the alphabet.
    fn tags(&self) -> Vec<String> {
        let tags = self.user.get("tags").and_then(Value::as_array);
        let mut tags: Vec<String> =
            tags.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect();
        tags.sort_unstable();
        tags
    }
}

/// The user: in the data, once more inside of it, or the data itself.
fn user<'a>(data: &Fields<'a>, kind: Kind) -> Result<Fields<'a>, Verdict> {
    if kind == Kind::Tags && !data.has("user") {
        return Ok(*data);
    }
    let user = data.object("user", "data.user.")?;
    if user.has("user") { user.object("user", "data.user.user.") } else { Ok(user) }
}
