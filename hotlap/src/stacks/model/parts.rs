//! A recorder's text of a frame, taken apart: name, place, line, and what they say of the code.

use super::kind::Kind;
use super::label::{EVENT_LOOP, KERNEL_SUFFIX, ROLE_PREFIX, START_UP, THREAD_POOL};
use super::symbol::is_rust_symbol;

/// What py-spy writes for the library of an address that is in none.
const UNKNOWN: &str = "?";

/// The parts of a recorder's text: `name`, `name (file:line)`, `name (library)`, `0xADDRESS (library)`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Parts<'a> {
    /// The name without what follows it in parentheses and without the kernel's suffix.
    pub name: &'a str,
    /// What stands in the last parentheses: `file:line` or a library.
    pub place: Option<&'a str>,
    /// The line of `place`, if it has one.
    pub line: Option<u32>,
    /// Whether the text is marked as the kernel's.
    pub kernel: bool,
}

impl<'a> Parts<'a> {
    /// Take a recorder's text apart.
    #[must_use]
    pub fn of(text: &'a str) -> Self {
        let (text, kernel) = match text.strip_suffix(KERNEL_SUFFIX) {
            Some(rest) => (rest, true),
            None => (text, false),
        };
        let bare = Self {
            name: text,
            place: None,
            line: None,
            kernel,
        };
        if let Some(python) = text.strip_prefix("py::") {
            // The interpreter's own perf support writes `py::function:file`.
            return match python.split_once(':') {
                Some((name, file)) => Self {
                    name,
                    place: Some(file),
                    ..bare
                },
                None => Self {
                    name: python,
                    place: Some("<python>"),
                    ..bare
                },
            };
        }
        let Some(inner) = text.strip_suffix(')') else {
            return bare;
        };
        let Some(open) = inner.rfind(" (") else {
            return bare;
        };
        let place = &inner[open + 2..];
        let name = &inner[..open];
        if name.is_empty() || !is_place(place) {
            return bare;
        }
        let line = place
            .rsplit_once(':')
            .and_then(|(_, line)| line.parse().ok());
        Self {
            name,
            place: Some(place),
            line,
            kernel,
        }
    }

    /// The file of `place`, without the line.
    #[must_use]
    pub fn file(&self) -> Option<&'a str> {
        let place = self.place?;
        Some(match self.line {
            Some(_) => place.rsplit_once(':').map_or(place, |(file, _)| file),
            None => place,
        })
    }

    /// The library that an unnamed frame is in (empty where even that is unknown); `None` for a named one.
    #[must_use]
    pub fn address(&self) -> Option<&'a str> {
        let is_address = self.name.strip_prefix("0x").is_some_and(|digits| {
            !digits.is_empty() && digits.bytes().all(|digit| digit.is_ascii_hexdigit())
        });
        if is_address || self.name == "[unknown]" || self.name == "???" || self.name.is_empty() {
            return Some(self.place.filter(|&place| place != UNKNOWN).unwrap_or(""));
        }
        let library = self.name.strip_prefix('[')?.strip_suffix(']')?;
        is_library(library).then_some(library)
    }

    /// What kind of code this is, as far as the text tells.
    #[must_use]
    pub fn kind(&self) -> Kind {
        let name = self.name;
        if self.kernel {
            return Kind::Kernel;
        }
        if name.starts_with("process ")
            || name.starts_with("thread (")
            || name.starts_with(ROLE_PREFIX)
        {
            return Kind::Thread;
        }
        if let Some(file) = self.file() {
            if is_python_file(file) || (name == "<module>" && !is_library(file)) {
                return Kind::Python;
            }
            if file.ends_with(".rs") {
                return Kind::Rust;
            }
            if file.starts_with("libpython") || file.starts_with("python3") {
                return Kind::Interpreter;
            }
            if is_interpreter_file(file) {
                return Kind::Interpreter;
            }
            if file == "[kernel.kallsyms]" || file == "kernel" {
                return Kind::Kernel;
            }
        }
        if is_interpreter_name(name) {
            return Kind::Interpreter;
        }
        if is_rust_name(name) {
            return Kind::Rust;
        }
        Kind::C
    }
}

/// Whether what stands in parentheses behind a name says where the function is, rather than being a part of the name.
#[must_use]
pub fn is_place(text: &str) -> bool {
    text.contains(['.', ':']) || text.starts_with('<') || text == UNKNOWN || is_library(text)
}

/// Whether a place is a shared library rather than a source file.
#[must_use]
pub fn is_library(place: &str) -> bool {
    place.ends_with(".so") || place.contains(".so.") || is_vdso(place)
}

/// Whether a place is the kernel's page of fast system calls: the clock, mostly.
#[must_use]
pub fn is_vdso(place: &str) -> bool {
    place == "[vdso]" || place == "vdso"
}

/// Whether a place is code that was made at run time and that nobody gave a name: perf's `/tmp/perf-PID.map`.
#[must_use]
pub fn is_run_time_code(place: &str) -> bool {
    let file = place.rsplit('/').next().unwrap_or(place);
    file.strip_prefix("perf-")
        .and_then(|rest| rest.strip_suffix(".map"))
        .is_some_and(|pid| !pid.is_empty() && pid.bytes().all(|digit| digit.is_ascii_digit()))
}

fn is_python_file(file: &str) -> bool {
    [".py", ".pyx", ".pxd", ".pyi"]
        .iter()
        .any(|end| file.ends_with(end))
        || (file.starts_with('<') && file.ends_with('>'))
}

/// Whether a C file is one of the interpreter's.
fn is_interpreter_file(file: &str) -> bool {
    let base = file.rsplit('/').next().unwrap_or(file);
    let stem = base.strip_suffix(".h").unwrap_or(base);
    let stem = stem.strip_suffix(".c").unwrap_or(stem);
    stem.len() < base.len()
        && (file.contains("Python-3.") || stem.ends_with("module") || stem.ends_with("object"))
}

fn is_interpreter_name(name: &str) -> bool {
    let bare = name.trim_start_matches('_');
    let is_api = bare.strip_prefix("Py").is_some_and(|rest| {
        rest.starts_with('_') || rest.chars().next().is_some_and(char::is_uppercase)
    });
    [START_UP, EVENT_LOOP, THREAD_POOL].contains(&name) || (is_api && !name.contains("::"))
}

fn is_rust_name(name: &str) -> bool {
    let is_cpp = name.starts_with("_Z") || name.starts_with("std::") && name.contains('(');
    let is_path = name.starts_with('<') || name.contains("::") || name.contains("$LT$");
    is_rust_symbol(name)
        || name.starts_with("__rust")
        || name.starts_with("{closure")
        || (is_path && !is_cpp)
}
