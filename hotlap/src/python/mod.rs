//! The PyO3 glue: a file for each module of the engine.

mod stacks;
mod swarm;

use pyo3::prelude::*;

#[pymodule]
fn _engine(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add("build_profile", crate::BUILD_PROFILE)?;
    stacks::register(module)?;
    swarm::register(module)
}
