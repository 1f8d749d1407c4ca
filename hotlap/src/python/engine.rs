//! `hotlap._engine.Swarm`: the load engine.

use std::path::PathBuf;

use pyo3::exceptions::PyIndexError;
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use super::behaviour::Behaviour;
use super::counters::Counters;
use super::detach::detached;
use super::histogram::Histogram;
use super::request::Request;
use super::seconds::seconds;
use crate::swarm;

/// An answer: name, status, headers, body and what is wrong with it.
type Seen = (
    String,
    u16,
    Vec<(String, String)>,
    Py<PyBytes>,
    Option<String>,
);
/// The answers, those of a flow's steps; what was wrong as a whole; and the seconds that it took.
type Attempt = (Vec<Seen>, Option<String>, Option<f64>);

#[pyclass(frozen, module = "hotlap._engine")]
pub struct Swarm(swarm::Engine);

#[pymethods]
impl Swarm {
    #[new]
    #[pyo3(signature = (url, *, threads = 1, connect_timeout_s = 10.0, timeout_s = 30.0, ca_file = None, insecure = false, seed = 0, share = (0, 1), most_bytes = None))]
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
        share: (u64, u64),
        most_bytes: Option<usize>,
    ) -> PyResult<Self> {
        let config = swarm::Config {
            url,
            threads,
            limits: swarm::Limits {
                connect_timeout: seconds("connect_timeout_s", connect_timeout_s)?,
                timeout: seconds("timeout_s", timeout_s)?,
                bytes: most_bytes.unwrap_or(usize::MAX),
            },
            trust: match ca_file {
                _ if insecure => swarm::Trust::Anybody,
                Some(path) => swarm::Trust::File(path),
                None => swarm::Trust::Usual,
            },
            seed,
            share: swarm::Share {
                first: share.0,
                step: share.1.max(1),
            },
        };
        detached(py, || Ok(Self(swarm::Engine::start(&config)?)))
    }

    fn declare(&self, py: Python<'_>, behaviour: PyRef<'_, Behaviour>) -> PyResult<usize> {
        let behaviour = behaviour.declared();
        detached(py, || Ok(self.0.declare(behaviour)?))
    }

    #[pyo3(signature = (behaviour, *, rate = 0.0))]
    fn add(&self, py: Python<'_>, behaviour: usize, rate: f64) -> PyResult<u64> {
        detached(py, || Ok(self.0.add(behaviour, rate)?))
    }

    #[pyo3(signature = (kinds, schedule, *, max_in_flight = 1000))]
    fn replay(
        &self,
        py: Python<'_>,
        kinds: Vec<Py<Request>>,
        schedule: PathBuf,
        max_in_flight: usize,
    ) -> PyResult<u64> {
        let declared = swarm::Replay {
            kinds: kinds.iter().map(|one| one.get().declared()).collect(),
            schedule,
            max_in_flight,
        };
        detached(py, || Ok(self.0.replay(declared)?))
    }

    fn ended(&self, user: u64) -> bool {
        self.0.ended(user)
    }

    #[pyo3(signature = (user, *, grace_s = 0.0))]
    fn remove(&self, py: Python<'_>, user: u64, grace_s: f64) -> PyResult<()> {
        let grace = seconds("grace_s", grace_s)?;
        detached(py, || {
            self.0.remove(user, grace);
            Ok(())
        })
    }

    #[pyo3(signature = (behaviour, *, position = 0, limit_s = None))]
    fn attempt(
        &self,
        py: Python<'_>,
        behaviour: usize,
        position: u64,
        limit_s: Option<f64>,
    ) -> PyResult<Attempt> {
        let limit = limit_s.map(|limit_s| seconds("limit_s", limit_s));
        let limit = limit.transpose()?;
        let made = detached(py, || Ok(self.0.attempt(behaviour, position, limit)?))?;
        if made.out_of_data {
            return Err(PyIndexError::new_err(format!(
                "no row is left at position {position}"
            )));
        }
        let answer = |seen: swarm::Seen| {
            let headers = swarm::headers_of(&seen.head);
            let body = PyBytes::new(py, &seen.body).unbind();
            (seen.name, seen.status, headers, body, seen.objection)
        };
        let answers = made.seen.into_iter().map(answer).collect();
        let took_s = made.took.map(|took| took.as_secs_f64());
        Ok((answers, made.error, took_s))
    }

    #[getter]
    fn users(&self) -> usize {
        self.0.users()
    }

    #[getter]
    fn drawn(&self) -> u64 {
        self.0.drawn()
    }

    fn take(&self, py: Python<'_>) -> PyResult<Vec<Counters>> {
        let counters = |(key, taken)| Counters::from_taken(key, taken);
        detached(py, || Ok(self.0.take().into_iter().map(counters).collect()))
    }

    fn take_late(&self, py: Python<'_>) -> PyResult<Histogram> {
        detached(py, || Ok(self.0.take_late().into()))
    }

    #[pyo3(signature = (*, grace_s = 0.0))]
    fn stop(&self, py: Python<'_>, grace_s: f64) -> PyResult<()> {
        let grace = seconds("grace_s", grace_s)?;
        detached(py, || {
            self.0.stop(grace);
            Ok(())
        })
    }
}
