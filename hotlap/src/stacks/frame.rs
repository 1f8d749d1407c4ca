//! One frame of a stack: what it is called, what kind of code it is and where that is.

use std::fmt;

use super::demangle::is_rust_symbol;

/// What kind of code a frame runs: it gives the frame its colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// A function of Python source.
    Python,
    /// A function of a Rust crate.
    Rust,
    /// Native code that is neither Rust nor the interpreter's, and libraries without symbols.
    C,
    /// The kernel.
    Kernel,
    /// The interpreter itself and the machinery of its event loop and thread pools.
    Interpreter,
    /// A heading: a thread's role or a process.
    Thread,
}

impl Kind {
    /// All kinds, in the order of the legend.
    pub const ALL: [Self; 6] = [
        Self::Python,
        Self::Rust,
        Self::C,
        Self::Kernel,
        Self::Interpreter,
        Self::Thread,
    ];

    /// The name that callers see.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Python => "python",
            Self::Rust => "rust",
            Self::C => "c",
            Self::Kernel => "kernel",
            Self::Interpreter => "interpreter",
            Self::Thread => "thread",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    /// What is drawn and written: a Python function has its file and line behind it.
    pub text: Box<str>,
    /// The whole name where `text` is a shortened one.
    pub full: Option<Box<str>>,
    /// `file:line` of native code where the debug information has it.
    pub location: Option<Box<str>>,
    /// What kind of code it is.
    pub kind: Kind,
    /// Whether the frame has a name, rather than an address or the library that it is in.
    pub named: bool,
}

/// The suffix by which collapsed files mark the kernel's frames.
pub const KERNEL_SUFFIX: &str = "_[k]";

/// A frame's text without the suffix that is for files: the kind tells that it is the kernel's.
#[must_use]
pub fn shown(text: &str) -> &str {
    text.strip_suffix(KERNEL_SUFFIX).unwrap_or(text)
}

impl Frame {
    /// A frame from the text that a recorder wrote, as it is; see [`super::clean`] for readable ones.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let parts = Parts::of(text);
        Self {
            text: text.into(),
            full: None,
            location: parts.line.and(parts.place).map(Into::into),
            kind: parts.kind(),
            named: parts.address().is_none(),
        }
    }

    /// A frame of our own making.
    #[must_use]
    pub fn plain(text: &str, kind: Kind) -> Self {
        Self {
            text: text.into(),
            full: None,
            location: None,
            kind,
            named: true,
        }
    }

    /// The name by which frames of two recordings are matched: without line, and for Python with its file.
    #[must_use]
    pub fn match_name(&self) -> String {
        let parts = Parts::of(&self.text);
        match (self.kind, parts.file()) {
            (Kind::Python, Some(file)) => format!("{} ({file})", parts.name),
            _ => parts.name.to_owned(),
        }
    }
}

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
        if name.is_empty()
            || !(place.contains(['.', ':']) || place.starts_with('<') || is_library(place))
        {
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
            return Some(self.place.unwrap_or(""));
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

/// Whether a place is a shared library rather than a source file.
#[must_use]
pub fn is_library(place: &str) -> bool {
    place.ends_with(".so") || place.contains(".so.") || place == "[vdso]" || place == "vdso"
}

/// Whether a place is code that was made at run time and that nobody gave a name: perf's `/tmp/perf-PID.map`.
#[must_use]
pub fn is_run_time_code(place: &str) -> bool {
    let file = place.rsplit('/').next().unwrap_or(place);
    file.strip_prefix("perf-")
        .and_then(|rest| rest.strip_suffix(".map"))
        .is_some_and(|pid| !pid.is_empty() && pid.bytes().all(|digit| digit.is_ascii_digit()))
}

/// What cleaning writes in front of a thread's role.
pub const ROLE_PREFIX: &str = "thread: ";

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
    const GROUPS: [&str; 3] = ["[event loop]", "[thread pool]", "[start-up]"];
    let bare = name.trim_start_matches('_');
    let is_api = bare.strip_prefix("Py").is_some_and(|rest| {
        rest.starts_with('_') || rest.chars().next().is_some_and(char::is_uppercase)
    });
    GROUPS.contains(&name) || (is_api && !name.contains("::"))
}

fn is_rust_name(name: &str) -> bool {
    let is_cpp = name.starts_with("_Z") || name.starts_with("std::") && name.contains('(');
    let is_path = name.starts_with('<') || name.contains("::") || name.contains("$LT$");
    is_rust_symbol(name)
        || name.starts_with("__rust")
        || name.starts_with("{closure")
        || (is_path && !is_cpp)
}
