//! `hotlap._engine.Request`.

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::pybacked::{PyBackedBytes, PyBackedStr};
use pyo3::types::{PyBytes, PyDict, PyMapping};

use super::data::Data;
use super::detach::detached;
use super::seconds::seconds;
use super::sent::Prepared;
use crate::swarm::{
    self, Capture, Difference, Expectation, Expected, Framing, Origin, PreparedRequest, Streamed,
    Wanted,
};

/// A request that users send.
#[pyclass(frozen, eq, module = "hotlap._engine")]
#[derive(Clone, PartialEq)]
pub struct Request(swarm::Request);

impl Request {
    pub fn declared(&self) -> swarm::Request {
        self.0.clone()
    }
}

/// A body as Python has it.
#[derive(FromPyObject)]
pub enum Body {
    Text(PyBackedStr),
    Bytes(PyBackedBytes),
}

impl Body {
    fn to_vec(&self) -> Vec<u8> {
        match self {
            Self::Text(text) => text.as_bytes().to_vec(),
            Self::Bytes(bytes) => bytes.to_vec(),
        }
    }
}

/// The digest of 64 hexadecimal digits.
fn digest(text: &str) -> PyResult<[u8; 32]> {
    let refuse = || {
        PyValueError::new_err(format!(
            "{text:?} is not a SHA-256: it has 64 hexadecimal digits"
        ))
    };
    let digits: Option<Vec<u8>> = text
        .chars()
        .map(|digit| u8::try_from(digit.to_digit(16)?).ok())
        .collect();
    let digits = digits
        .filter(|digits| digits.len() == 64)
        .ok_or_else(refuse)?;
    Ok(std::array::from_fn(|at| {
        16 * digits[2 * at] + digits[2 * at + 1]
    }))
}

/// The statuses that count as answered, as Python has them.
#[derive(FromPyObject)]
enum Statuses {
    One(u16),
    Several(Vec<u16>),
}

/// How an answer comes bit by bit, as Python has it: anything with these attributes.
#[derive(FromPyObject)]
struct Stream {
    each: Option<String>,
    events: Option<u64>,
    time_s: Option<f64>,
}

impl Stream {
    fn declared(self) -> PyResult<Streamed> {
        let framing = match self.each.as_deref() {
            None => None,
            Some("event") => Some(Framing::Events),
            Some("line") => Some(Framing::Lines),
            Some("chunk") => Some(Framing::Chunks),
            Some(other) => {
                return Err(PyValueError::new_err(format!(
                    "each of a stream is an event, a line or a chunk, not {other:?}"
                )));
            }
        };
        if self.events == Some(0) {
            return Err(PyValueError::new_err(
                "a stream is over after one event at least",
            ));
        }
        let time = self.time_s.map(|time_s| seconds("time_s", time_s));
        Ok(Streamed {
            framing,
            events: self.events,
            time: time.transpose()?,
        })
    }
}

/// A value of JSON, as Python has it.
fn wanted(value: &Bound<'_, PyAny>) -> PyResult<Wanted> {
    if let Ok(text) = value.extract::<String>() {
        return Ok(Wanted::Text(text));
    }
    let text: String = value
        .py()
        .import("json")?
        .call_method1("dumps", (value,))?
        .extract()?;
    let value = serde_json::from_str(&text)
        .map_err(|error| PyValueError::new_err(format!("{text}: {error}")))?;
    Ok(Wanted::Value(value))
}

fn pattern(text: &str) -> PyResult<Expectation> {
    regex::bytes::Regex::new(text)
        .map(Expectation::Matches)
        .map_err(|error| PyValueError::new_err(format!("{text:?} is not a pattern: {error}")))
}

fn hexadecimal(digest: &[u8; 32]) -> String {
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The first place where two bodies differ: how many bytes before it are equal, and what stands there in each.
#[pyfunction]
#[pyo3(signature = (one, other, hidden = Vec::new()))]
pub fn first_difference(
    py: Python<'_>,
    one: PyBackedBytes,
    other: PyBackedBytes,
    hidden: Vec<Body>,
) -> PyResult<Option<(usize, String, String)>> {
    let hidden: Vec<Vec<u8>> = hidden.iter().map(Body::to_vec).collect();
    detached(py, || {
        Ok(Difference::between(&one, &other, &hidden)
            .map(|found| (found.at, found.expected, found.came)))
    })
}

#[pymethods]
impl Request {
    #[new]
    #[pyo3(signature = (method, path, name = None, weight = 1, headers = None, body = None, status = Some(Statuses::One(200)), expected_body = None, expected_sha256 = None, hidden = Vec::new(), *, data = None, expected_headers = None, expected_json = None, contains = Vec::new(), matches = Vec::new(), size = None, capture = None, once = false, wait_s = (0.0, 0.0), follow = false, stream = None))]
    #[allow(
        clippy::too_many_arguments,
        reason = "keywords of a constructor in Python"
    )]
    fn new(
        method: String,
        path: String,
        name: Option<String>,
        weight: u32,
        headers: Option<&Bound<'_, PyMapping>>,
        body: Option<Body>,
        status: Option<Statuses>,
        expected_body: Option<Body>,
        expected_sha256: Option<&str>,
        hidden: Vec<Body>,
        data: Option<Vec<PyRef<'_, Data>>>,
        expected_headers: Option<&Bound<'_, PyMapping>>,
        expected_json: Option<&Bound<'_, PyMapping>>,
        contains: Vec<String>,
        matches: Vec<String>,
        size: Option<(usize, usize)>,
        capture: Option<&Bound<'_, PyMapping>>,
        once: bool,
        wait_s: (f64, f64),
        follow: bool,
        stream: Option<Stream>,
    ) -> PyResult<Self> {
        let mut captures = Vec::new();
        if let Some(given) = capture {
            for pair in given.items()?.iter() {
                let (name, origin): (String, String) = pair.extract()?;
                let origin = detached(pair.py(), || Ok(Origin::parse(&origin)?))?;
                captures.push(Capture { name, origin });
            }
        }
        let mut expectations = Vec::new();
        if let Some((low, high)) = size {
            expectations.push(Expectation::Size { low, high });
        }
        if let Some(headers) = expected_headers {
            let pairs: Vec<(String, String)> = headers.items()?.extract()?;
            let header = |(name, value)| Expectation::Header { name, value };
            expectations.extend(pairs.into_iter().map(header));
        }
        expectations.extend(contains.into_iter().map(Expectation::Contains));
        for text in &matches {
            expectations.push(pattern(text)?);
        }
        if let Some(values) = expected_json {
            for pair in values.items()?.iter() {
                let (pointer, value): (String, Bound<'_, PyAny>) = pair.extract()?;
                let wanted = wanted(&value)?;
                expectations.push(Expectation::Json { pointer, wanted });
            }
        }
        let headers = match headers {
            Some(headers) => headers.items()?.extract()?,
            None => Vec::new(),
        };
        let expected = match (expected_body, expected_sha256.map(digest).transpose()?) {
            (Some(body), _) => Expected::Exact(body.to_vec()),
            (None, Some(digest)) => Expected::Sha256(digest),
            (None, None) => Expected::Any,
        };
        Ok(Self(swarm::Request {
            name: name
                .filter(|name| !name.is_empty())
                .unwrap_or_else(|| path.clone()),
            method,
            path,
            headers,
            body: body.map(|body| body.to_vec()).unwrap_or_default(),
            weight,
            statuses: match status {
                None => Vec::new(),
                Some(Statuses::One(status)) => vec![status],
                Some(Statuses::Several(statuses)) => statuses,
            },
            expected,
            expectations,
            files: data.map(|data| data.iter().map(|one| one.file()).collect()),
            captures,
            once,
            wait: (seconds("wait_s", wait_s.0)?, seconds("wait_s", wait_s.1)?),
            follow,
            stream: stream.map(Stream::declared).transpose()?,
            hidden: hidden.iter().map(Body::to_vec).collect(),
        }))
    }

    #[getter]
    fn method(&self) -> &str {
        &self.0.method
    }

    #[getter]
    fn path(&self) -> &str {
        &self.0.path
    }

    #[getter]
    fn name(&self) -> &str {
        &self.0.name
    }

    #[getter]
    fn weight(&self) -> u32 {
        self.0.weight
    }

    #[getter]
    fn headers<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let headers = PyDict::new(py);
        for (name, value) in &self.0.headers {
            headers.set_item(name, value)?;
        }
        Ok(headers)
    }

    #[getter]
    fn body<'py>(&self, py: Python<'py>) -> Option<Bound<'py, PyBytes>> {
        (!self.0.body.is_empty()).then(|| PyBytes::new(py, &self.0.body))
    }

    #[getter]
    fn statuses(&self) -> Vec<u16> {
        self.0.statuses.clone()
    }

    #[getter]
    fn expected_body<'py>(&self, py: Python<'py>) -> Option<Bound<'py, PyBytes>> {
        match &self.0.expected {
            Expected::Exact(body) => Some(PyBytes::new(py, body)),
            _ => None,
        }
    }

    #[getter]
    fn expected_sha256(&self) -> Option<String> {
        match &self.0.expected {
            Expected::Sha256(digest) => Some(hexadecimal(digest)),
            _ => None,
        }
    }

    #[getter]
    fn differs(&self, py: Python<'_>) -> PyResult<bool> {
        detached(py, || {
            Ok(PreparedRequest::new(&self.0, "localhost", "", 0)?.differs())
        })
    }

    #[getter]
    fn has_unique(&self, py: Python<'_>) -> PyResult<bool> {
        detached(py, || {
            Ok(PreparedRequest::new(&self.0, "localhost", "", 0)?.once())
        })
    }

    #[pyo3(signature = (url, *, seed = 0))]
    fn prepare(&self, py: Python<'_>, url: &str, seed: u64) -> PyResult<Prepared> {
        detached(py, || Ok(Prepared::new(&self.0, url, seed)?))
    }

    fn __repr__(&self) -> String {
        let Self(request) = self;
        format!(
            "Request({:?}, {:?}, {:?})",
            request.method, request.path, request.name
        )
    }
}
