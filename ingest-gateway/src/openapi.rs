//! What the gateway can be sent and what it answers, as OpenAPI has it.
//!
//! Made of the routes, the forms of answers and the refusals that the code has, so that it cannot
//! say anything else than what is done.

use std::collections::BTreeMap;

use hyper::Method;
use utoipa::ToSchema;
use utoipa::openapi::content::ContentBuilder;
use utoipa::openapi::header::HeaderBuilder;
use utoipa::openapi::path::{
    HttpMethod, OperationBuilder, ParameterBuilder, ParameterIn, PathItem, PathsBuilder,
};
use utoipa::openapi::request_body::RequestBodyBuilder;
use utoipa::openapi::response::{ResponseBuilder, ResponsesBuilder};
use utoipa::openapi::schema::{ArrayBuilder, ComponentsBuilder, ObjectBuilder, Type, empty};
use utoipa::openapi::security::{
    ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme,
};
use utoipa::openapi::{InfoBuilder, OpenApi, OpenApiBuilder, Ref, RefOr, Required, Response};

use crate::admit::Resource;
use crate::answer::{Accepted, Coordinates, Durability, Refused, Validated};
use crate::error::CODES;

/// Media types in which bodies come; they are stored as they are, whichever it is.
const MEDIA_TYPES: [&str; 3] = ["application/json", "application/x-www-form-urlencoded", "*/*"];

/// One path, with names for what varies.
#[derive(Clone, Copy, Debug)]
struct Documented {
    path: &'static str,
    resource: Resource,
    summary: &'static str,
}

const fn documented(path: &'static str, resource: Resource, summary: &'static str) -> Documented {
    Documented { path, resource, summary }
}

const PATHS: [Documented; 12] = [
    documented(
        "/api/public/hook/{source}/event",
        Resource::Events,
        "Stores a webhook of a source; the credential names its instance.",
    ),
    documented(
        "/api/public/hook/{source}/{instance}/event",
        Resource::Events,
        "Stores a webhook of a source instance.",
    ),
    documented("/webhooks/learnault", Resource::Events, "Stores a webhook of Learnault."),
    documented(
        "/webhooks/lti/events",
        Resource::LtiEvents,
        "Stores an event of an LTI platform, as Atomic Guide sends it.",
    ),
    documented(
        "/webhooks/services/{serviceId}",
        Resource::Services,
        "Stores an event of a service, as Atomic Guide sends it.",
    ),
    documented(
        "/webhooks/internal/{eventType}",
        Resource::Internal,
        "Stores an event of Atomic Guide's own.",
    ),
    documented("/xapi/statements", Resource::Statements, "Stores xAPI statements."),
    documented(
        "/xapi/{instance}/statements",
        Resource::Statements,
        "Stores xAPI statements of a source instance.",
    ),
    documented("/caliper/events", Resource::Envelopes, "Stores a Caliper envelope."),
    documented(
        "/caliper/{instance}/events",
        Resource::Envelopes,
        "Stores a Caliper envelope of a source instance.",
    ),
    documented(
        "/api/public/validate/webhook",
        Resource::Validation,
        "Says what a webhook would come to, and stores nothing.",
    ),
    documented("/openapi.json", Resource::Description, "This description."),
];

/// The description, as JSON. `sources` are the platforms that there are.
pub(crate) fn text(sources: &[String]) -> String {
    // It has no keys but texts, which is all that could fail.
    serde_json::to_string_pretty(&description(sources)).unwrap_or_default()
}

fn description(sources: &[String]) -> OpenApi {
    let paths = PATHS.iter().fold(PathsBuilder::new(), |paths, documented| {
        let methods = documented.resource.methods().iter();
        let mut item = PathItem::default();
        for method in methods {
            let operation = operation(*documented, method, sources);
            item.merge_operations(PathItem::new(http_method(method), operation));
        }
        paths.path(documented.path, item)
    });
    let info = InfoBuilder::new()
        .title("Kleos ingest-gateway")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(
            "Takes webhooks of learning platforms and answers when they are stored for good.",
        ));
    let components = ComponentsBuilder::new()
        .schema_from::<Accepted<'_>>()
        .schema_from::<Coordinates<'_>>()
        .schema_from::<Durability>()
        .schema_from::<Validated<'_>>()
        .schema_from::<Refused<'_>>();
    let components = schemes()
        .into_iter()
        .fold(components, |components, (name, scheme)| components.security_scheme(name, scheme));
    OpenApiBuilder::new()
        .info(info.build())
        .paths(paths.build())
        .components(Some(components.build()))
        .build()
}

/// The ways in that the format can tell of; signatures are headers to it.
fn schemes() -> [(&'static str, SecurityScheme); 3] {
    let http = |scheme| SecurityScheme::Http(HttpBuilder::new().scheme(scheme).build());
    let signature = ApiKeyValue::with_description(
        "X-Webhook-Signature",
        "A secret or a signature of the body, in the header that the instance's credential names.",
    );
    [
        ("bearer", http(HttpAuthScheme::Bearer)),
        ("basic", http(HttpAuthScheme::Basic)),
        ("header", SecurityScheme::ApiKey(ApiKey::Header(signature))),
    ]
}

fn operation(documented: Documented, method: &Method, sources: &[String]) -> OperationBuilder {
    let Documented { path, resource, summary } = documented;
    let mut operation = OperationBuilder::new()
        .summary(Some(summary))
        .operation_id(Some(operation_id(path, method)))
        .responses(responses(resource, method));
    let names = path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
    for name in names {
        let text = ObjectBuilder::new().schema_type(Type::String).min_length(Some(1));
        let text =
            if name == "source" { text.enum_values(Some(sources.iter().cloned())) } else { text };
        operation = operation.parameter(
            ParameterBuilder::new()
                .name(name)
                .parameter_in(ParameterIn::Path)
                .required(Required::True)
                .schema(Some(text)),
        );
    }
    if resource == Resource::Description {
        return operation;
    }
    let body = MEDIA_TYPES.into_iter().fold(RequestBodyBuilder::new(), |body, media_type| {
        body.content(media_type, ContentBuilder::new().schema(Some(empty())).build())
    });
    operation = operation.request_body(Some(body.build()));
    for (name, _) in schemes() {
        operation = operation.security(SecurityRequirement::new::<_, [&str; 0], _>(name, []));
    }
    operation
}

fn operation_id(path: &str, method: &Method) -> String {
    let words = path.split(|letter: char| !letter.is_ascii_alphanumeric());
    let words: Vec<&str> = words.filter(|word| !word.is_empty()).collect();
    format!("{}_{}", method.as_str().to_ascii_lowercase(), words.join("_"))
}

const fn http_method(method: &Method) -> HttpMethod {
    match *method {
        Method::PUT => HttpMethod::Put,
        Method::GET => HttpMethod::Get,
        _ => HttpMethod::Post,
    }
}

fn responses(resource: Resource, method: &Method) -> ResponsesBuilder {
    let refusals = refused(resource);
    let refusals =
        refusals.into_iter().fold(ResponsesBuilder::new(), |responses, (status, why)| {
            responses.response(status.to_string(), refusal(status, &why))
        });
    let (status, success) = match resource {
        Resource::Statements if *method == Method::PUT => {
            ("204", ResponseBuilder::new().description("The statement is stored.").build())
        }
        Resource::Statements => ("200", json("The ids of the statements.", ids())),
        Resource::Validation => ("200", json("Every item is understood.", of::<Validated<'_>>())),
        Resource::Description => ("200", json("OpenAPI.", RefOr::T(empty()))),
        Resource::Events
        | Resource::LtiEvents
        | Resource::Services
        | Resource::Internal
        | Resource::Envelopes => {
            ("200", json("It was stored before, or is: see `result`.", of::<Accepted<'_>>()))
        }
    };
    let refusals = refusals.response(status, success);
    match resource {
        Resource::Events | Resource::LtiEvents | Resource::Services | Resource::Internal => {
            refusals.response("202", json("It is stored.", of::<Accepted<'_>>()))
        }
        Resource::Statements
        | Resource::Envelopes
        | Resource::Validation
        | Resource::Description => refusals,
    }
}

/// Which refusals a resource can answer, by their status.
fn refused(resource: Resource) -> BTreeMap<u16, Vec<&'static str>> {
    let mut statuses: BTreeMap<u16, Vec<&'static str>> = BTreeMap::new();
    for (status, code) in CODES {
        if resource != Resource::Description || matches!(status, 405 | 429 | 503) {
            statuses.entry(*status).or_default().push(code);
        }
    }
    statuses
}

fn refusal(status: u16, codes: &[&str]) -> Response {
    let text = || ObjectBuilder::new().schema_type(Type::String);
    let header = |description: &str| {
        HeaderBuilder::new().schema(Some(text())).description(Some(description)).build()
    };
    let codes: Vec<String> = codes.iter().map(|code| format!("`{code}`")).collect();
    let response = ResponseBuilder::new()
        .description(format!("`error` is one of {}.", codes.join(", ")))
        .content(
            "application/json",
            ContentBuilder::new().schema(Some(of::<Refused<'_>>())).build(),
        );
    let response = match status {
        401 => response.header("WWW-Authenticate", header("The scheme.")),
        405 => response.header("Allow", header("What can be done there.")),
        415 => response.header("Accept-Encoding", header("What is undone.")),
        429 | 503 => {
            response.header("Retry-After", header("Seconds until it should be sent again."))
        }
        _ => response,
    };
    response.build()
}

fn json<S: Into<RefOr<utoipa::openapi::Schema>>>(description: &str, schema: S) -> Response {
    let content = ContentBuilder::new().schema(Some(schema)).build();
    ResponseBuilder::new().description(description).content("application/json", content).build()
}

fn of<T: ToSchema>() -> RefOr<utoipa::openapi::Schema> {
    Ref::from_schema_name(T::name()).into()
}

fn ids() -> RefOr<utoipa::openapi::Schema> {
    let id = ObjectBuilder::new().schema_type(Type::String);
    RefOr::T(ArrayBuilder::new().items(id).build().into())
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::admit::Door;

    fn read() -> Value {
        let sources = ["moodle", "custom"].map(str::to_owned);
        serde_json::from_str(&text(&sources)).unwrap()
    }

    #[test]
    fn every_path_that_is_described_is_one_with_these_methods() {
        let description = read();
        assert_eq!(description["openapi"], "3.1.0");
        for Documented { path, resource, .. } in PATHS {
            let filled = path.replace(['{', '}'], "");
            for method in [Method::POST, Method::PUT, Method::GET, Method::DELETE] {
                let request = hyper::Request::builder().method(&method).uri(&filled);
                let head = request.body(()).unwrap().into_parts().0;
                let found = Door::hook(&head).map(|hook| hook.resource).ok();
                let name = method.as_str().to_ascii_lowercase();
                let is_described = !description["paths"][path][name].is_null();
                assert_eq!(found, is_described.then_some(resource), "{method} {path}");
            }
        }
    }

    #[test]
    fn every_refusal_is_described() {
        let description = read();
        let responses = &description["paths"]["/webhooks/learnault"]["post"]["responses"];
        for (status, code) in CODES {
            let text = responses[status.to_string()]["description"].as_str().unwrap();
            assert!(text.contains(&format!("`{code}`")), "{status} {code}");
        }
        let schema = &description["components"]["schemas"]["Refused"]["properties"];
        for field in ["status", "error", "error_code", "message", "details", "retry_after"] {
            assert!(!schema[field].is_null(), "{field} in {schema}");
        }
    }
}
