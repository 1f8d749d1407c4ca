//! `hotlap._engine.Counters`: what the engine counts, in the form in which Python adds it up and sends it on.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard};

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{IntoPyDict, PyBytes, PyDict};

use super::histogram::Histogram;
use crate::swarm::{self, Second, both_held, for_all_counters, held};

/// What became of the requests of one method and name.
#[pyclass(frozen, module = "hotlap._engine")]
pub struct Counters {
    #[pyo3(get)]
    method: String,
    #[pyo3(get)]
    name: String,
    inner: Mutex<swarm::Counters>,
}

impl Counters {
    pub fn from_taken((method, name): (String, String), taken: swarm::Counters) -> Self {
        Self {
            method,
            name,
            inner: Mutex::new(taken),
        }
    }

    fn inner(&self) -> MutexGuard<'_, swarm::Counters> {
        // Held for a look or an addition, never while Python is called, and with another's in one order only.
        held(&self.inner)
    }
}

/// A value that was sent.
fn sent<'py, T>(data: &Bound<'py, PyDict>, name: &str) -> PyResult<T>
where
    T: FromPyObjectOwned<'py>,
{
    let missing = || PyValueError::new_err(format!("{name} is missing in what was sent"));
    let value = data.get_item(name)?.ok_or_else(missing)?;
    value.extract::<T>().map_err(|error| {
        let error: PyErr = error.into();
        PyValueError::new_err(format!("{name} in what was sent: {error}"))
    })
}

fn sent_histogram(data: &Bound<'_, PyDict>, name: &str) -> PyResult<swarm::Histogram> {
    let bytes: Bound<'_, PyBytes> = sent(data, name)?;
    swarm::Histogram::decode(bytes.as_bytes())
        .map_err(|error| PyValueError::new_err(format!("{name} in what was sent: {error}")))
}

macro_rules! define {
    (
        counts { $($(#[$count_doc:meta])* $count:ident,)* }
        histograms { $($(#[$histogram_doc:meta])* $histogram:ident,)* }
    ) => {
        #[pymethods]
        impl Counters {
            #[new]
            #[pyo3(signature = (method = "", name = ""))]
            fn new(method: &str, name: &str) -> Self {
                Self::from_taken((method.into(), name.into()), swarm::Counters::default())
            }

            $(
                $(#[$count_doc])*
                #[getter]
                fn $count(&self) -> u64 {
                    self.inner().$count
                }
            )*

            $(
                $(#[$histogram_doc])*
                #[getter]
                fn $histogram(&self) -> Histogram {
                    self.inner().$histogram.clone().into()
                }
            )*

            #[getter]
            fn in_flight_s(&self) -> f64 {
                self.inner().in_flight_s
            }

            #[getter]
            fn errors(&self) -> BTreeMap<String, u64> {
                self.inner().errors.clone()
            }

            #[getter]
            fn seconds(&self) -> BTreeMap<u64, (u64, u64)> {
                let inner = self.inner();
                let pair = |(at, second): (&u64, &Second)| (*at, (second.finished, second.failed));
                inner.seconds.iter().map(pair).collect()
            }

            #[getter]
            fn requests(&self) -> u64 {
                self.inner().requests()
            }

            #[getter]
            fn in_flight(&self) -> i64 {
                self.inner().in_flight()
            }

            fn counts<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
                // Nothing of Python's is called while the lock is held.
                let (counts, requests, in_flight) = {
                    let inner = self.inner();
                    let counts = [$((stringify!($count), inner.$count)),*];
                    (counts, inner.requests(), inner.in_flight())
                };
                let data = counts.into_py_dict(py)?;
                data.set_item("requests", requests)?;
                data.set_item("in_flight", in_flight)?;
                Ok(data)
            }

            fn merge(&self, other: &Self) {
                match both_held(&self.inner, &other.inner) {
                    Some((mut own, other)) => own.merge(&other),
                    None => {
                        let mut own = self.inner();
                        let copy = own.clone();
                        own.merge(&copy);
                    }
                }
            }

            fn reset(&self) {
                self.inner().reset();
            }

            fn write_off(&self, count: i64) {
                self.inner().write_off(count);
            }

            fn to_dict<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
                let (counts, histograms, in_flight_s, errors) = {
                    let inner = self.inner();
                    (
                        [$((stringify!($count), inner.$count)),*],
                        [$((stringify!($histogram), inner.$histogram.encode())),*],
                        inner.in_flight_s,
                        inner.errors.clone(),
                    )
                };
                let data = counts.into_py_dict(py)?;
                for (name, encoded) in histograms {
                    data.set_item(name, PyBytes::new(py, &encoded))?;
                }
                data.set_item("method", &self.method)?;
                data.set_item("name", &self.name)?;
                data.set_item("in_flight_s", in_flight_s)?;
                data.set_item("errors", errors)?;
                data.set_item("seconds", self.seconds())?;
                Ok(data)
            }

            #[staticmethod]
            fn from_dict(data: &Bound<'_, PyDict>) -> PyResult<Self> {
                let seconds: BTreeMap<u64, [u64; 2]> = sent(data, "seconds")?;
                let second = |[finished, failed]: [u64; 2]| Second { finished, failed };
                let counters = swarm::Counters {
                    $($count: sent(data, stringify!($count))?,)*
                    $($histogram: sent_histogram(data, stringify!($histogram))?,)*
                    in_flight_s: sent(data, "in_flight_s")?,
                    errors: sent(data, "errors")?,
                    seconds: seconds.into_iter().map(|(at, both)| (at, second(both))).collect(),
                };
                let key = (sent(data, "method")?, sent(data, "name")?);
                Ok(Self::from_taken(key, counters))
            }

            fn __repr__(&self) -> String {
                let inner = self.inner();
                format!(
                    "Counters({:?}, {:?}, started={}, answered={}, failed={}, aborted={})",
                    self.method, self.name, inner.started, inner.answered, inner.failed, inner.aborted
                )
            }
        }
    };
}
for_all_counters!(define);
