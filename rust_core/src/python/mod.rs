//! The PyO3 glue, the one place that knows of Python. A function here takes owned arguments, calls
//! one pure function and converts the result.

pub mod clients;
pub mod detach;
pub mod histogram;
pub mod lock;

use pyo3::prelude::*;

#[pymodule]
fn _core(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add("build_profile", crate::BUILD_PROFILE)?;
    module.add("MAX_CLIENTS", crate::clients::MAX_CLIENTS)?;
    module.add("MAX_ITERATIONS", crate::fold::MAX_ITERATIONS)?;
    module.add("FullError", module.py().get_type::<detach::FullError>())?;
    module.add("PanicError", module.py().get_type::<detach::PanicError>())?;
    module.add_class::<clients::PyClient>()?;
    module.add_class::<clients::PyClientMap>()?;
    module.add_class::<clients::Ids>()?;
    module.add_class::<histogram::PyHistogram>()?;
    module.add_class::<lock::ExclusiveLock>()?;
    module.add_class::<lock::PyPlace>()?;
    module.add_class::<lock::PyHold>()?;
    module.add_function(wrap_pyfunction!(detach::_panic, module)?)
}
