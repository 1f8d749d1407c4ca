//! The rows of tables: `hotlap._engine.HeavyFrame` and `ChangedFrame`.

use pyo3::prelude::*;

use crate::stacks as core;

/// A function with its values.
#[pyclass(frozen, get_all, module = "hotlap._engine")]
pub struct HeavyFrame {
    name: String,
    kind: &'static str,
    self_value: u64,
    total_value: u64,
    location: Option<String>,
    full_name: Option<String>,
}

impl From<core::Heavy<'_>> for HeavyFrame {
    fn from(heavy: core::Heavy<'_>) -> Self {
        Self {
            name: core::shown(&heavy.frame.text).to_owned(),
            kind: heavy.frame.kind.as_str(),
            self_value: heavy.own,
            total_value: heavy.total,
            location: heavy.frame.location.as_ref().map(ToString::to_string),
            full_name: heavy.frame.full.as_ref().map(ToString::to_string),
        }
    }
}

/// A function with its values and, where several were seen, its lines.
#[pyclass(frozen, get_all, module = "hotlap._engine")]
pub struct HeavyFunction {
    name: String,
    kind: &'static str,
    self_value: u64,
    total_value: u64,
    location: Option<String>,
    lines: Vec<(String, u64, u64)>,
}

impl From<core::HeavyFunction<'_>> for HeavyFunction {
    fn from(heavy: core::HeavyFunction<'_>) -> Self {
        let place = |frame: &core::Frame| frame.location.as_ref().map(ToString::to_string);
        Self {
            kind: heavy.frame.kind.as_str(),
            self_value: heavy.own,
            total_value: heavy.total,
            location: place(heavy.frame),
            lines: heavy
                .lines
                .iter()
                .map(|one| (place(one.frame).unwrap_or_default(), one.own, one.total))
                .collect(),
            name: heavy.name,
        }
    }
}

#[pymethods]
impl HeavyFunction {
    fn __repr__(&self) -> String {
        format!(
            "HeavyFunction({:?}, {:?}, self_value={}, total_value={})",
            self.name, self.kind, self.self_value, self.total_value
        )
    }
}

#[pymethods]
impl HeavyFrame {
    fn __repr__(&self) -> String {
        format!(
            "HeavyFrame({:?}, {:?}, self_value={}, total_value={})",
            self.name, self.kind, self.self_value, self.total_value
        )
    }
}

/// A function whose value changed.
#[pyclass(frozen, get_all, module = "hotlap._engine")]
pub struct ChangedFrame {
    name: String,
    kind: &'static str,
    self_a: f64,
    self_b: f64,
    total_a: f64,
    total_b: f64,
}

impl From<core::Changed> for ChangedFrame {
    fn from(changed: core::Changed) -> Self {
        Self {
            name: changed.name,
            kind: changed.kind.as_str(),
            self_a: changed.own.a,
            self_b: changed.own.b,
            total_a: changed.total.a,
            total_b: changed.total.b,
        }
    }
}

#[pymethods]
impl ChangedFrame {
    fn __repr__(&self) -> String {
        format!(
            "ChangedFrame({:?}, self {} -> {}, total {} -> {})",
            self.name, self.self_a, self.self_b, self.total_a, self.total_b
        )
    }
}
