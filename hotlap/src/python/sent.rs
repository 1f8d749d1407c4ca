//! `hotlap._engine.Prepared` and `Sent`: what users send at a position of their sequence, for who sends it by other means.

use pyo3::exceptions::PyIndexError;
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedBytes;
use pyo3::types::PyBytes;

use super::detach::detached;
use crate::swarm::{self, EngineError, Outgoing, Received};

/// A request for the server of an address.
#[pyclass(frozen, module = "hotlap._engine")]
pub struct Prepared(swarm::Alone);

impl Prepared {
    pub fn new(request: &swarm::Request, url: &str, seed: u64) -> Result<Self, EngineError> {
        Ok(Self(swarm::Alone::new(request, url, seed)?))
    }
}

#[pymethods]
impl Prepared {
    #[getter]
    fn differs(&self) -> bool {
        self.0.request.differs()
    }

    #[pyo3(signature = (position = 0))]
    fn at(slf: Py<Self>, py: Python<'_>, position: u64) -> PyResult<Sent> {
        let prepared = slf.get();
        let outgoing = prepared
            .0
            .at(position)
            .map_err(|_| PyIndexError::new_err(format!("no row is left at position {position}")))?;
        Ok(Sent {
            outgoing,
            prepared: slf.clone_ref(py),
        })
    }
}

/// A request with its values.
#[pyclass(frozen, module = "hotlap._engine")]
pub struct Sent {
    prepared: Py<Prepared>,
    outgoing: Outgoing,
}

impl Sent {
    fn whole(&self) -> &[u8] {
        self.prepared.get().0.request.bytes(&self.outgoing)
    }

    fn parts(&self) -> (&[u8], &[u8]) {
        let whole = self.whole();
        let end = memchr::memmem::find(whole, b"\r\n\r\n").map_or(whole.len(), |at| at + 4);
        whole.split_at(end)
    }
}

#[pymethods]
impl Sent {
    #[getter]
    fn bytes<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, self.whole())
    }

    #[getter]
    fn path(&self) -> String {
        let head = String::from_utf8_lossy(self.parts().0);
        head.split(' ').nth(1).unwrap_or_default().to_owned()
    }

    #[getter]
    fn headers(&self) -> Vec<(String, String)> {
        let head = String::from_utf8_lossy(self.parts().0);
        head.lines()
            .skip(1)
            .filter_map(|line| line.split_once(": "))
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect()
    }

    #[getter]
    fn body<'py>(&self, py: Python<'py>) -> Option<Bound<'py, PyBytes>> {
        let body = self.parts().1;
        (!body.is_empty()).then(|| PyBytes::new(py, body))
    }

    fn objection(
        &self,
        py: Python<'_>,
        status: u16,
        headers: Vec<(String, String)>,
        body: PyBackedBytes,
    ) -> PyResult<Option<String>> {
        let mut head = String::from("HTTP/1.1 200 OK\r\n");
        for (name, value) in headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        head.push_str("\r\n");
        detached(py, || {
            let answer = Received {
                status,
                head: head.as_bytes(),
                body: &body,
            };
            let request = &self.prepared.get().0.request;
            Ok(request.explain(answer, &self.outgoing.drawn))
        })
    }
}
