//! `hotlap._engine.Behaviour`.

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

use super::request::Request;
use super::seconds::seconds;
use crate::swarm::{self, Flow, LoadModel};

const EVEN: &str = "even";
const EXPONENTIAL: &str = "exponential";

/// What users do: the requests that they choose from, and how these arrive.
#[pyclass(frozen, module = "hotlap._engine")]
pub struct Behaviour {
    #[pyo3(get)]
    requests: Vec<Py<Request>>,
    declared: swarm::Behaviour,
}

impl Behaviour {
    pub fn declared(&self) -> swarm::Behaviour {
        self.declared.clone()
    }
}

#[pymethods]
impl Behaviour {
    #[new]
    #[pyo3(signature = (requests, *, model = "closed", wait_s = (0.0, 0.0), arrivals = "even", max_in_flight = 1000, flow = None, again_on = Vec::new()))]
    #[allow(
        clippy::too_many_arguments,
        reason = "keywords of a constructor in Python"
    )]
    fn new(
        requests: Vec<Py<Request>>,
        model: &str,
        wait_s: (f64, f64),
        arrivals: &str,
        max_in_flight: usize,
        flow: Option<String>,
        again_on: Vec<u16>,
    ) -> PyResult<Self> {
        let exponential = match arrivals {
            EVEN => false,
            EXPONENTIAL => true,
            other => {
                return Err(PyValueError::new_err(format!(
                    "arrivals are even or exponential, not {other:?}"
                )));
            }
        };
        let model = match model {
            "closed" => LoadModel::Closed,
            "paced" => LoadModel::Paced,
            "open" => LoadModel::Open {
                exponential,
                max_in_flight,
            },
            other => {
                return Err(PyValueError::new_err(format!(
                    "a model is closed, paced or open, not {other:?}"
                )));
            }
        };
        let declared = swarm::Behaviour {
            requests: requests
                .iter()
                .map(|request| request.get().declared())
                .collect(),
            mix: Vec::new(),
            flow: flow.map(|name| Flow { name, again_on }),
            model,
            wait: (seconds("wait_s", wait_s.0)?, seconds("wait_s", wait_s.1)?),
        };
        Ok(Self { requests, declared })
    }

    #[staticmethod]
    #[pyo3(signature = (parts, *, model = "closed", wait_s = (0.0, 0.0), arrivals = "even", max_in_flight = 1000))]
    fn mix(
        parts: Vec<(u32, PyRef<'_, Self>)>,
        model: &str,
        wait_s: (f64, f64),
        arrivals: &str,
        max_in_flight: usize,
    ) -> PyResult<Self> {
        if parts.is_empty() {
            return Err(PyValueError::new_err("a mix has at least one part"));
        }
        let mut made = Self::new(
            Vec::new(),
            model,
            wait_s,
            arrivals,
            max_in_flight,
            None,
            Vec::new(),
        )?;
        let part = |(weight, part): &(u32, PyRef<'_, Self>)| (*weight, part.declared.clone());
        made.declared.mix = parts.iter().map(part).collect();
        Ok(made)
    }

    #[getter]
    fn model(&self) -> &'static str {
        match self.declared.model {
            LoadModel::Closed => "closed",
            LoadModel::Paced => "paced",
            LoadModel::Open { .. } => "open",
        }
    }

    #[getter]
    fn wait_s(&self) -> (f64, f64) {
        let (low, high) = self.declared.wait;
        (low.as_secs_f64(), high.as_secs_f64())
    }

    #[getter]
    fn arrivals(&self) -> Option<&'static str> {
        match self.declared.model {
            LoadModel::Open {
                exponential: true, ..
            } => Some(EXPONENTIAL),
            LoadModel::Open { .. } => Some(EVEN),
            _ => None,
        }
    }

    #[getter]
    fn max_in_flight(&self) -> Option<usize> {
        match self.declared.model {
            LoadModel::Open { max_in_flight, .. } => Some(max_in_flight),
            _ => None,
        }
    }

    fn __repr__(&self) -> String {
        format!(
            "Behaviour({} requests, {})",
            self.requests.len(),
            self.model()
        )
    }
}
