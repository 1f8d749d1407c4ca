//! The PyO3 glue, the one place that knows of Python: a file a concept. A function here takes owned arguments, calls
//! one pure function through the door of `detach`, and converts the result.

mod behaviour;
mod counters;
mod data;
mod detach;
mod diff;
mod engine;
mod frames;
mod histogram;
mod null_server;
mod offcpu;
mod readers;
mod request;
mod seconds;
mod sent;
mod stacks;
mod writers;

use pyo3::prelude::*;

#[pymodule]
fn _engine(module: &Bound<'_, PyModule>) -> PyResult<()> {
    let py = module.py();
    module.add("build_profile", crate::BUILD_PROFILE)?;
    module.add("PanicError", py.get_type::<detach::PanicError>())?;
    module.add_function(wrap_pyfunction!(detach::_panic, module)?)?;

    module.add_class::<behaviour::Behaviour>()?;
    module.add_class::<counters::Counters>()?;
    module.add_class::<engine::Swarm>()?;
    module.add_class::<histogram::Histogram>()?;
    module.add_class::<null_server::NullServer>()?;
    module.add_class::<data::Data>()?;
    module.add_class::<request::Request>()?;
    module.add_class::<sent::Prepared>()?;
    module.add_class::<sent::Sent>()?;

    module.add("ANOTHER_BODY", crate::swarm::ANOTHER_BODY)?;
    module.add("FLOW", crate::swarm::FLOW)?;
    module.add("GENERATORS", crate::swarm::GENERATORS)?;
    module.add_function(wrap_pyfunction!(request::first_difference, module)?)?;
    module.add_function(wrap_pyfunction!(data::columns_of, module)?)?;
    module.add_function(wrap_pyfunction!(data::columns_named, module)?)?;

    module.add("StacksError", py.get_type::<detach::StacksError>())?;
    module.add("FLAME_SCRIPT", crate::stacks::SCRIPT)?;
    module.add_class::<diff::StackDiff>()?;
    module.add_class::<frames::ChangedFrame>()?;
    module.add_class::<frames::HeavyFrame>()?;
    module.add_class::<frames::HeavyFunction>()?;
    module.add_class::<offcpu::OffCpu>()?;
    module.add_class::<stacks::Stacks>()
}
