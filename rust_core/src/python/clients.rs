//! The client map and the collected ids as Python sees them.

use std::sync::Arc;

use pyo3::prelude::*;

use super::detach::{CoreError, detached};
use super::histogram::{PyHistogram, Source};
use crate::clients::{Client, ClientMap, MAX_CLIENTS};
use crate::fold;

#[pyclass(frozen, eq, name = "Client", module = "pyapp._core")]
#[derive(Clone, PartialEq)]
pub struct PyClient(Client);

#[pymethods]
impl PyClient {
    #[new]
    fn new(user_id: u32, subscribed_topics: Vec<String>) -> Self {
        Self(Client {
            user_id,
            subscribed_topics,
        })
    }

    #[getter]
    fn user_id(&self) -> u32 {
        self.0.user_id
    }

    #[getter]
    fn subscribed_topics(&self) -> Vec<String> {
        self.0.subscribed_topics.clone()
    }

    fn __repr__(&self) -> String {
        format!(
            "Client(user_id={}, subscribed_topics={:?})",
            self.0.user_id, self.0.subscribed_topics
        )
    }
}

#[pyclass(frozen, name = "ClientMap", module = "pyapp._core")]
pub struct PyClientMap(Arc<ClientMap>);

#[pymethods]
impl PyClientMap {
    #[new]
    #[pyo3(signature = (limit = MAX_CLIENTS))]
    fn new(limit: usize) -> Self {
        Self(Arc::new(ClientMap::new(limit)))
    }

    #[getter]
    fn limit(&self) -> usize {
        self.0.limit()
    }

    fn get(&self, py: Python<'_>, name: String) -> PyResult<Option<PyClient>> {
        Ok(detached(py, || Ok(self.0.get(&name).map(PyClient)))?)
    }

    fn put(&self, py: Python<'_>, name: String, client: &Bound<'_, PyClient>) -> PyResult<bool> {
        let client = client.get().0.clone();
        Ok(detached(py, || Ok(self.0.put(name, client)?))?)
    }

    fn delete(&self, py: Python<'_>, name: String) -> PyResult<bool> {
        Ok(detached(py, || Ok(self.0.delete(&name)))?)
    }

    fn items(&self, py: Python<'_>) -> PyResult<Vec<(String, PyClient)>> {
        let all = detached(py, || Ok(self.0.list()))?;
        Ok(all
            .into_iter()
            .map(|(name, client)| (name, PyClient(client)))
            .collect())
    }

    fn __len__(&self, py: Python<'_>) -> PyResult<usize> {
        Ok(detached(py, || Ok(self.0.count()))?)
    }

    fn user_ids(&self, py: Python<'_>) -> PyResult<Ids> {
        // To detach and attach again can cost a turn of every other thread that wants the
        // interpreter; so it is done only when there is something to wait for.
        match self.0.try_user_ids() {
            Some(ids) => Ok(Ids(ids)),
            None => Ok(Ids(detached(py, || Ok(self.0.user_ids()))?)),
        }
    }

    fn timings(&self) -> [(&'static str, &'static str, PyHistogram); 4] {
        let map = || Arc::clone(&self.0);
        [
            ("read", "wait", PyHistogram(Source::ReadWait(map()))),
            ("read", "hold", PyHistogram(Source::ReadHold(map()))),
            ("write", "wait", PyHistogram(Source::WriteWait(map()))),
            ("write", "hold", PyHistogram(Source::WriteHold(map()))),
        ]
    }
}

#[pyclass(frozen, module = "pyapp._core")]
pub struct Ids(pub Vec<String>);

#[pymethods]
impl Ids {
    #[new]
    fn new(ids: Vec<String>) -> Self {
        Self(ids)
    }

    fn __len__(&self) -> usize {
        self.0.len()
    }

    fn to_list(&self) -> Vec<String> {
        self.0.clone()
    }

    fn sum(&self) -> PyResult<u64> {
        Ok(fold::sum(&self.0).map_err(CoreError::from)?)
    }

    fn fold(&self, py: Python<'_>, iterations: u32) -> PyResult<u64> {
        Ok(detached(py, || Ok(fold::fold(&self.0, iterations)?))?)
    }

    fn fold_clone(&self, py: Python<'_>, iterations: u32) -> PyResult<u64> {
        Ok(detached(py, || Ok(fold::fold_clone(&self.0, iterations)?))?)
    }
}
