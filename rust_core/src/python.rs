//! The PyO3 glue: the one place that knows of Python.

use pyo3::prelude::*;

#[pymodule]
fn _core(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add("build_profile", crate::BUILD_PROFILE)
}
