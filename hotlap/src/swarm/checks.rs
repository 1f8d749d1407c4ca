//! Expectations, compiled: an answer is held against them as it comes.

use std::borrow::Cow;
use std::sync::OnceLock;

use regex::bytes::Regex;
use serde_json::Value;

use super::data::{Compiler, Drawn, Piece, Place, Values, body_form, fill};
use super::difference::Difference;
use super::error::{EngineError, Result};
use super::expectation::{Expectation, Expected, Wanted};
use super::protocol::{Received, Verdict, header};
use super::request::{ANOTHER_BODY, Request};

/// Bodies up to this size are parsed each; of larger ones a share, so that on average no more is.
pub const PARSED_BYTES: usize = 4096;
const SHOWN_CHARS: usize = 80;

/// What was sent with the request, for what refers to it.
#[derive(Clone, Copy)]
pub struct Sent<'a> {
    pub drawn: &'a Drawn,
    pub values: &'a Values,
}

impl Sent<'_> {
    fn text<'p>(&self, pieces: &'p [Piece]) -> Cow<'p, [u8]> {
        match pieces {
            [] => Cow::Borrowed(&[]),
            [Piece::Literal(only)] => Cow::Borrowed(only),
            _ => {
                let mut text = Vec::new();
                fill(pieces, self.drawn, self.values, &mut text);
                Cow::Owned(text)
            }
        }
    }
}

/// What is wrong with an answer: the same for all of its kind, and the detail of this one.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Objection {
    what: String,
    detail: Option<String>,
}

struct Check {
    kind: Kind,
    /// What was wrong the first time. It is said of all later ones, too: answers that differ each time are one error,
    /// counted, and not as many as there are answers.
    first: OnceLock<String>,
}

enum Kind {
    Exact(Vec<Piece>),
    Sha256([u8; 32]),
    Size(usize, usize),
    Header(String, Vec<Piece>),
    Contains(Vec<Piece>),
    Matches(Regex),
    Json(String, Compiled),
}

enum Compiled {
    Text(Vec<Piece>),
    Value(Value),
}

/// What each answer of a request is held against.
pub struct Checks {
    statuses: Vec<u16>,
    /// Those that cost little, and those for which the body is parsed or searched.
    cheap: Vec<Check>,
    costly: Vec<Check>,
    hidden: Vec<Vec<u8>>,
}

impl Checks {
    /// Compile what a request expects, with the values that it sends.
    pub fn new(request: &Request, compiler: &mut Compiler<'_>) -> Result<Self> {
        let mut kinds = Vec::new();
        match &request.expected {
            Expected::Any => {}
            Expected::Sha256(digest) => kinds.push(Kind::Sha256(*digest)),
            Expected::Exact(body) => {
                let place = Place::Body(body_form(&[], body));
                kinds.push(Kind::Exact(compiler.compile(body, place)?));
            }
        }
        for one in &request.expectations {
            kinds.push(match one {
                Expectation::Header { name, value } => {
                    Kind::Header(name.clone(), compiler.compile(value.as_bytes(), Place::Text)?)
                }
                Expectation::Contains(text) => {
                    Kind::Contains(compiler.compile(text.as_bytes(), Place::Text)?)
                }
                Expectation::Matches(pattern) => Kind::Matches(pattern.clone()),
                Expectation::Size { low, high } if low > high => {
                    return Err(EngineError::Request(format!(
                        "a size from {low} to {high} bytes cannot be"
                    )));
                }
                Expectation::Size { low, high } => Kind::Size(*low, *high),
                Expectation::Json { pointer, wanted } => {
                    if !pointer.is_empty() && !pointer.starts_with('/') {
                        return Err(EngineError::Request(format!(
                            "{pointer:?} is not a JSON pointer: it starts with /, as /items/0/id does"
                        )));
                    }
                    let wanted = match wanted {
                        Wanted::Text(text) => {
                            Compiled::Text(compiler.compile(text.as_bytes(), Place::Text)?)
                        }
                        Wanted::Value(value) => Compiled::Value(value.clone()),
                    };
                    Kind::Json(pointer.clone(), wanted)
                }
            });
        }
        let (costly, cheap) = kinds
            .into_iter()
            .map(|kind| Check {
                kind,
                first: OnceLock::new(),
            })
            .partition(|check| matches!(check.kind, Kind::Matches(_) | Kind::Json(..)));
        Ok(Self {
            statuses: request.statuses.clone(),
            cheap,
            costly,
            hidden: request.hidden.clone(),
        })
    }

    /// Hold an answer against them; `random` is from 0 up to 1.
    pub fn judge(
        &self,
        answer: Received<'_>,
        sent: Sent<'_>,
        random: impl FnOnce() -> f64,
    ) -> Verdict {
        let refused = |objection, parsed| Verdict { objection, parsed };
        if !self.accepts_status(answer.status) {
            return refused(Some(self.status_objection(answer.status)), false);
        }
        if let Some(objection) = self.first_of(&self.cheap, answer, sent) {
            return refused(Some(objection), false);
        }
        let size = answer.body.len();
        if self.costly.is_empty()
            || size > PARSED_BYTES && random() * size as f64 >= PARSED_BYTES as f64
        {
            return Verdict::default();
        }
        refused(self.first_of(&self.costly, answer, sent), true)
    }

    fn first_of(&self, checks: &[Check], answer: Received<'_>, sent: Sent<'_>) -> Option<String> {
        let mut parsed = None;
        checks.iter().find_map(|check| {
            let found = self.objection(&check.kind, answer, sent, &mut parsed)?;
            let said = check.first.get_or_init(|| found.said("the first time, "));
            Some(said.clone())
        })
    }

    /// What is wrong with this one answer, whatever was wrong before.
    pub fn explain(&self, answer: Received<'_>, sent: Sent<'_>) -> Option<String> {
        if !self.accepts_status(answer.status) {
            return Some(self.status_objection(answer.status));
        }
        let mut parsed = None;
        self.cheap.iter().chain(&self.costly).find_map(|check| {
            let found = self.objection(&check.kind, answer, sent, &mut parsed)?;
            Some(found.said(""))
        })
    }

    fn accepts_status(&self, status: u16) -> bool {
        if self.statuses.is_empty() {
            status < 400
        } else {
            self.statuses.contains(&status)
        }
    }

    fn status_objection(&self, status: u16) -> String {
        let wanted: Vec<String> = self.statuses.iter().map(u16::to_string).collect();
        match &wanted[..] {
            [] => format!("status {status}"),
            _ => format!("status {status}, not {}", wanted.join(" or ")),
        }
    }

    fn objection(
        &self,
        kind: &Kind,
        answer: Received<'_>,
        sent: Sent<'_>,
        parsed: &mut Option<Option<Value>>,
    ) -> Option<Objection> {
        let Received { head, body, .. } = answer;
        let (what, detail) = match kind {
            Kind::Exact(pieces) => {
                let wanted = sent.text(pieces);
                let found = Difference::between(&wanted, body, &self.hidden)?;
                (ANOTHER_BODY.to_owned(), found.to_string())
            }
            Kind::Sha256(digest) => {
                if Expected::digest_is(digest, body) {
                    return None;
                }
                let what = ANOTHER_BODY.to_owned();
                return Some(Objection { what, detail: None });
            }
            Kind::Size(low, high) => {
                if (*low..=*high).contains(&body.len()) {
                    return None;
                }
                let size = body.len();
                (
                    format!("another size than from {low} to {high} bytes"),
                    format!("it has {size}"),
                )
            }
            Kind::Header(name, pieces) => {
                let wanted = sent.text(pieces);
                let came = header(head, name);
                if came.is_some_and(|came| *came == *wanted) {
                    return None;
                }
                let came = came.map_or_else(|| "none".to_owned(), |came| self.shown(came));
                let wanted = self.shown(&wanted);
                (
                    format!("another header {name} than expected"),
                    format!("{came} instead of {wanted}"),
                )
            }
            Kind::Contains(pieces) => {
                let wanted = sent.text(pieces);
                if memchr::memmem::find(body, &wanted).is_some() {
                    return None;
                }
                let wanted = self.shown(&wanted);
                ("a body without what it must contain".to_owned(), wanted)
            }
            Kind::Matches(pattern) => {
                if pattern.is_match(body) {
                    return None;
                }
                let body = self.shown(body);
                (format!("a body that does not match {pattern}"), body)
            }
            Kind::Json(pointer, wanted) => {
                let parsed = parsed.get_or_insert_with(|| serde_json::from_slice(body).ok());
                let Some(whole) = parsed else {
                    let body = self.shown(body);
                    return Some(Objection {
                        what: "a body that is not JSON".to_owned(),
                        detail: Some(body),
                    });
                };
                let came = whole.pointer(pointer);
                let (equal, wanted) = match wanted {
                    Compiled::Value(wanted) => (
                        came == Some(wanted),
                        Cow::Owned(wanted.to_string().into_bytes()),
                    ),
                    Compiled::Text(pieces) => {
                        let text = sent.text(pieces);
                        let literal = !pieces.iter().any(|piece| matches!(piece, Piece::Value(_)));
                        (came.is_some_and(|came| is_text(came, &text, literal)), text)
                    }
                };
                if equal {
                    return None;
                }
                let came = came.map_or_else(
                    || "nothing".to_owned(),
                    |came| self.shown(came.to_string().as_bytes()),
                );
                let wanted = self.shown(&wanted);
                (
                    format!("another value at {pointer} than expected"),
                    format!("{came} instead of {wanted}"),
                )
            }
        };
        Some(Objection {
            what,
            detail: Some(detail),
        })
    }

    fn shown(&self, text: &[u8]) -> String {
        let mut text = String::from_utf8_lossy(text).into_owned();
        for secret in &self.hidden {
            let secret = String::from_utf8_lossy(secret);
            if !secret.is_empty() {
                text = text.replace(&*secret, &"*".repeat(secret.len()));
            }
        }
        match text.char_indices().nth(SHOWN_CHARS) {
            Some((at, _)) => format!("{:?}…", &text[..at]),
            None => format!("{text:?}"),
        }
    }
}

impl Objection {
    fn said(&self, when: &str) -> String {
        let Self { what, detail } = self;
        match detail {
            Some(detail) => format!("{what}: {when}{detail}"),
            None => what.clone(),
        }
    }
}

/// Whether a value is the string of a text; where the text was not `literal`, also the number or word that it is.
fn is_text(value: &Value, text: &[u8], literal: bool) -> bool {
    match value {
        Value::String(own) => own.as_bytes() == text,
        Value::Array(_) | Value::Object(_) => {
            !literal && serde_json::from_slice::<Value>(text).is_ok_and(|wanted| wanted == *value)
        }
        _ => !literal && value.to_string().as_bytes() == text,
    }
}
