//! `hotlap._engine`: the glue of `swarm`.

use crate::swarm;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

#[pyclass(frozen, module = "hotlap._engine")]
#[derive(Default)]
struct Histogram(Mutex<swarm::Histogram>);

impl Histogram {
    fn inner(&self) -> MutexGuard<'_, swarm::Histogram> {
        // Held for a record or a copy, never while waiting for anything else.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[pymethods]
impl Histogram {
    #[new]
    fn new() -> Self {
        Self::default()
    }

    fn record(&self, latency_us: u64) {
        self.inner().record(latency_us);
    }

    fn merge(&self, other: &Self) {
        let copy = other.inner().clone();
        self.inner().merge(&copy);
    }

    fn clear(&self) {
        self.inner().clear();
    }

    #[getter]
    fn count(&self) -> u64 {
        self.inner().count()
    }

    fn quantile_ms(&self, quantile: f64) -> PyResult<Option<f64>> {
        if !(0.0..1.0).contains(&quantile) {
            return Err(PyValueError::new_err(
                "a quantile is at least 0 and below 1",
            ));
        }
        Ok(self.inner().quantile_ms(quantile))
    }

    #[getter]
    fn mean_ms(&self) -> Option<f64> {
        self.inner().mean_ms()
    }

    #[getter]
    fn max_ms(&self) -> Option<f64> {
        self.inner().max_ms()
    }

    fn recorded(&self) -> Vec<(u64, u64)> {
        self.inner().recorded()
    }

    fn hgrm(&self) -> String {
        self.inner().hgrm()
    }

    fn csv(&self) -> String {
        self.inner().csv()
    }

    fn encode<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, &self.inner().encode())
    }

    #[staticmethod]
    fn decode(bytes: &[u8]) -> PyResult<Self> {
        swarm::Histogram::decode(bytes)
            .map(|inner| Self(Mutex::new(inner)))
            .map_err(|error| PyValueError::new_err(error.to_string()))
    }
}

#[pyclass(frozen, module = "hotlap._engine")]
struct Swarm(swarm::Engine);

/// A request as Python declares it: method, path, headers, body, name, weight, status, expected body, expected SHA-256.
type Declared = (
    String,
    String,
    Vec<(String, String)>,
    Vec<u8>,
    String,
    u32,
    Option<u16>,
    Option<Vec<u8>>,
    Option<[u8; 32]>,
);

fn request(declared: Declared) -> swarm::Request {
    let (method, path, headers, body, name, weight, status, exact, sha256) = declared;
    let expected = match (exact, sha256) {
        (Some(exact), _) => swarm::Expected::Exact(exact),
        (None, Some(digest)) => swarm::Expected::Sha256(digest),
        (None, None) => swarm::Expected::Any,
    };
    swarm::Request {
        method,
        path,
        headers,
        body,
        name,
        weight,
        status,
        expected,
    }
}

fn seconds(name: &str, value: f64) -> PyResult<Duration> {
    Duration::try_from_secs_f64(value)
        .map_err(|_| PyValueError::new_err(format!("{name} is a number of seconds, not {value}")))
}

fn engine_error(error: swarm::EngineError) -> PyErr {
    match error {
        swarm::EngineError::Io(error) => error.into(),
        error => PyValueError::new_err(error.to_string()),
    }
}

#[pymethods]
impl Swarm {
    #[new]
    #[pyo3(signature = (url, *, threads = 1, connect_timeout_s = 10.0, timeout_s = 30.0, ca_file = None, insecure = false, seed = 0))]
    #[allow(
        clippy::too_many_arguments,
        reason = "keywords of a constructor in Python"
    )]
    fn new(
        py: Python<'_>,
        url: String,
        threads: usize,
        connect_timeout_s: f64,
        timeout_s: f64,
        ca_file: Option<PathBuf>,
        insecure: bool,
        seed: u64,
    ) -> PyResult<Self> {
        let config = swarm::Config {
            url,
            threads,
            connect_timeout: seconds("connect_timeout_s", connect_timeout_s)?,
            timeout: seconds("timeout_s", timeout_s)?,
            trust: match ca_file {
                _ if insecure => swarm::Trust::Anybody,
                Some(path) => swarm::Trust::File(path),
                None => swarm::Trust::Usual,
            },
            seed,
        };
        py.detach(|| swarm::Engine::start(&config))
            .map(Self)
            .map_err(engine_error)
    }

    #[pyo3(signature = (requests, *, model = "closed", wait_s = (0.0, 0.0), arrivals = "even", max_in_flight = 1000))]
    fn behaviour(
        &self,
        requests: Vec<Declared>,
        model: &str,
        wait_s: (f64, f64),
        arrivals: &str,
        max_in_flight: usize,
    ) -> PyResult<usize> {
        let arriving = match (model, arrivals) {
            ("closed", _) => swarm::Arriving::Closed,
            ("paced", _) => swarm::Arriving::Paced,
            ("open", "even" | "exponential") => swarm::Arriving::Open {
                exponential: arrivals == "exponential",
                max_in_flight,
            },
            ("open", other) => {
                return Err(PyValueError::new_err(format!(
                    "arrivals are even or exponential, not {other:?}"
                )));
            }
            (other, _) => {
                return Err(PyValueError::new_err(format!(
                    "a model is closed, paced or open, not {other:?}"
                )));
            }
        };
        let declared = swarm::Declared {
            requests: requests.into_iter().map(request).collect(),
            arriving,
            wait: (seconds("wait_s", wait_s.0)?, seconds("wait_s", wait_s.1)?),
        };
        self.0.behaviour(declared).map_err(engine_error)
    }

    #[pyo3(signature = (behaviour, *, rate = 0.0))]
    fn add(&self, py: Python<'_>, behaviour: usize, rate: f64) -> PyResult<u64> {
        py.detach(|| self.0.add(behaviour, rate))
            .map_err(engine_error)
    }

    #[pyo3(signature = (user, *, grace_s = 0.0))]
    fn remove(&self, py: Python<'_>, user: u64, grace_s: f64) -> PyResult<()> {
        let grace = seconds("grace_s", grace_s)?;
        py.detach(|| self.0.remove(user, grace));
        Ok(())
    }

    #[getter]
    fn users(&self) -> usize {
        self.0.users()
    }

    fn take(&self, py: Python<'_>) -> PyResult<Vec<Figures>> {
        let taken = py.detach(|| self.0.take());
        taken
            .into_iter()
            .map(|(key, figures)| Figures::new(py, key, figures))
            .collect()
    }

    fn take_late(&self, py: Python<'_>) -> Histogram {
        Histogram(Mutex::new(py.detach(|| self.0.take_late())))
    }

    #[pyo3(signature = (*, grace_s = 0.0))]
    fn stop(&self, py: Python<'_>, grace_s: f64) -> PyResult<()> {
        let grace = seconds("grace_s", grace_s)?;
        py.detach(|| self.0.stop(grace));
        Ok(())
    }
}

#[pyclass(frozen, get_all, module = "hotlap._engine")]
struct Figures {
    method: String,
    name: String,
    started: u64,
    answered: u64,
    failed: u64,
    aborted: u64,
    not_offered: u64,
    body_bytes: u64,
    response: Py<Histogram>,
    service: Py<Histogram>,
    connect: Py<Histogram>,
    lag: Py<Histogram>,
    errors: BTreeMap<String, u64>,
    seconds: BTreeMap<u64, (u64, u64)>,
    in_flight: u64,
    in_flight_s: f64,
}

impl Figures {
    fn new(
        py: Python<'_>,
        (method, name): (String, String),
        taken: swarm::Figures,
    ) -> PyResult<Self> {
        let wrap = |inner| Py::new(py, Histogram(Mutex::new(inner)));
        Ok(Self {
            method,
            name,
            started: taken.started,
            answered: taken.answered,
            failed: taken.failed,
            aborted: taken.aborted,
            not_offered: taken.not_offered,
            body_bytes: taken.body_bytes,
            response: wrap(taken.response)?,
            service: wrap(taken.service)?,
            connect: wrap(taken.connect)?,
            lag: wrap(taken.lag)?,
            errors: taken.errors,
            seconds: taken
                .seconds
                .into_iter()
                .map(|(at, second)| (at, (second.finished, second.failed)))
                .collect(),
            in_flight: taken.in_flight,
            in_flight_s: taken.in_flight_s,
        })
    }
}

#[pyclass(frozen, module = "hotlap._engine")]
struct NullServer(Mutex<Option<swarm::NullServer>>);

#[pymethods]
impl NullServer {
    #[new]
    #[pyo3(signature = (body_bytes = 0))]
    fn new(py: Python<'_>, body_bytes: usize) -> PyResult<Self> {
        Ok(Self(Mutex::new(Some(
            py.detach(|| swarm::NullServer::start(body_bytes))?,
        ))))
    }

    #[getter]
    fn url(&self) -> PyResult<String> {
        self.running(|server| server.url())
    }

    #[getter]
    fn received(&self) -> PyResult<u64> {
        self.running(swarm::NullServer::received)
    }

    fn close(&self, py: Python<'_>) {
        let server = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        py.detach(|| drop(server));
    }
}

impl NullServer {
    fn running<T>(&self, ask: impl FnOnce(&swarm::NullServer) -> T) -> PyResult<T> {
        let server = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        server
            .as_ref()
            .map(ask)
            .ok_or_else(|| PyValueError::new_err("the server is closed"))
    }
}

pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<Histogram>()?;
    module.add_class::<Figures>()?;
    module.add_class::<Swarm>()?;
    module.add_class::<NullServer>()
}
