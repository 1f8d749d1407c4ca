//! The PyO3 glue. The awaitable lock and the one way out of the interpreter are the service's.

mod loops;
mod maps;
mod pool;
mod shared_lock;

use pyo3::prelude::*;
use rust_core::python::clients::Ids;
use rust_core::python::lock::{PyHold, PyPlace};

#[pymodule]
fn _rungs(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add("build_profile", crate::BUILD_PROFILE)?;
    module.add_class::<maps::ShardedMap>()?;
    module.add_class::<maps::SnapshotMap>()?;
    module.add_class::<Ids>()?;
    module.add_class::<PyPlace>()?;
    module.add_class::<PyHold>()?;
    module.add_class::<shared_lock::SharedLock>()?;
    module.add_class::<pool::RustPool>()?;
    module.add_function(wrap_pyfunction!(loops::fold_parsed, module)?)?;
    module.add_function(wrap_pyfunction!(loops::fold_closed, module)?)?;
    module.add_function(wrap_pyfunction!(loops::fold_attached, module)?)
}
