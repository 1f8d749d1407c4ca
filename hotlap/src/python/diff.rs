//! `hotlap._engine.StackDiff`.

use pyo3::prelude::*;

use super::detach::detached;
use super::frames::ChangedFrame;
use super::writers::labels;
use crate::stacks as core;

/// Two recordings, matched.
#[pyclass(frozen, module = "hotlap._engine")]
pub struct StackDiff(pub core::Diff);

#[pymethods]
impl StackDiff {
    #[getter]
    fn total(&self) -> (f64, f64) {
        let total = self.0.total();
        (total.a, total.b)
    }

    #[pyo3(signature = (count = 20))]
    fn top(&self, py: Python<'_>, count: usize) -> PyResult<Vec<ChangedFrame>> {
        detached(py, || {
            Ok(self.0.top(count).into_iter().map(Into::into).collect())
        })
    }

    #[pyo3(signature = (title, *, subtitle = None, standalone = true))]
    fn svg(
        &self,
        py: Python<'_>,
        title: &str,
        subtitle: Option<&str>,
        standalone: bool,
    ) -> PyResult<String> {
        let labels = labels(title, subtitle, "", standalone);
        detached(py, || Ok(self.0.svg(&labels)?))
    }
}
