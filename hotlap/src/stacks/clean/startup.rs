//! Frames that every stack of a server begins with.
//!
//! What starts a process or a thread says nothing about a request: it is dropped. The machinery that
//! runs callbacks is one frame, so that its own cost is still seen. Both only count at a stack's
//! beginning.

use crate::stacks::model::{EVENT_LOOP, Kind, Parts, START_UP, THREAD_POOL, is_run_time_code};

/// What a frame at the beginning of a stack is to its reader.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Beginning {
    /// Starts the process, the thread or the server: dropped.
    StartUp,
    /// The same, and whatever called it is start-up too, such as the program's own `main`.
    Server,
    /// Runs callbacks: folded into the one frame of this name.
    Group(&'static str),
    /// The outermost of an event loop: the same, and whatever called it is start-up.
    Loop,
}

/// Python files whose functions start a server or a process: by their ends.
const START_UP_FILES: &[&str] = &[
    "click/core.py",
    "click/decorators.py",
    "granian/cli.py",
    "granian/__main__.py",
    "uvicorn/main.py",
    "gunicorn/app/base.py",
    "gunicorn/app/wsgiapp.py",
    "hypercorn/__main__.py",
    "runpy.py",
    "<frozen runpy>",
];

/// Python files that only ever run at the root of a process or thread, whoever called them.
const SERVER_FILES: &[&str] = &[
    "granian/server/mp.py",
    "granian/server/mt.py",
    "granian/server/mtr.py",
    "granian/server/common.py",
    "granian/server/embed.py",
    "multiprocessing/process.py",
    "multiprocessing/context.py",
    "multiprocessing/popen_fork.py",
    "multiprocessing/popen_spawn_posix.py",
    "multiprocessing/spawn.py",
    "multiprocessing/forkserver.py",
    "uvicorn/_subprocess.py",
    "uvicorn/server.py",
    "uvicorn/_compat.py",
    "gunicorn/arbiter.py",
    "hypercorn/run.py",
];

/// Python files that run callbacks.
const LOOP_FILES: &[&str] = &[
    "asyncio/events.py",
    "asyncio/runners.py",
    "asyncio/base_events.py",
    "asyncio/unix_events.py",
    "asyncio/selector_events.py",
    "asyncio/proactor_events.py",
    "uvloop/__init__.py",
    "rloop/loop.py",
    "granian/_futures.py",
    "granian/_loops.py",
    "granian/asgi.py",
    "granian/wsgi.py",
    "granian/rsgi.py",
    "selectors.py",
];

/// The functions by which an event loop is run, by their ends: Cython puts its own in front.
const LOOP_ROOTS: &[&str] = &["run_until_complete", "run_forever"];

const THREAD_FUNCTIONS: &[&str] = &[
    "Thread._bootstrap",
    "Thread._bootstrap_inner",
    "Thread.run",
    "_bootstrap",
    "_bootstrap_inner",
    "run",
];

/// Native functions that start a process or a thread.
const START_UP_NAMES: &[&str] = &[
    "_start",
    "__libc_start_main",
    "__libc_start_main_impl",
    "__libc_start_call_main",
    "main",
    "start_thread",
    "clone",
    "clone3",
    "__clone3",
    "__clone",
    "thread_run",
    "pythread_wrapper",
    "Py_BytesMain",
    "Py_RunMain",
    "pymain_main",
    "pymain_run_python",
    "pymain_run_module",
    "pymain_run_file",
    "pymain_run_file_obj",
    "pymain_run_command",
    "_PyRun_SimpleFileObject",
    "_PyRun_AnyFileObject",
    "PyRun_StringFlags",
    "PyRun_SimpleStringFlags",
    "pyrun_file",
    "run_mod",
    "run_eval_code_obj",
    "builtin_exec",
    "builtin_exec_impl",
    "PyEval_EvalCode",
    "thread_start",
    "std::sys::thread::unix::Thread::new::thread_start",
    "std::sys::pal::unix::thread::Thread::new::thread_start",
    "std::sys::backtrace::__rust_begin_short_backtrace",
    "std::sys_common::backtrace::__rust_begin_short_backtrace",
    "std::thread::Builder::spawn_unchecked_::{{closure}}",
    "std::thread::lifecycle::spawn_unchecked::{{closure}}",
    "std::panicking::try",
    "std::panicking::try::do_call",
    "std::panicking::catch_unwind",
    "std::panicking::catch_unwind::do_call",
    "std::panic::catch_unwind",
    "core::ops::function::FnOnce::call_once",
    "core::ops::function::FnOnce::call_once{{vtable.shim}}",
];

/// Native functions that run callbacks.
const LOOP_NAMES: &[&str] = &[
    "run_until_complete",
    "run_forever",
    "Loop__run",
    "Loop__Loop__run",
    "loop_cb_idle_callback",
    "Loop__on_idle",
    "Handle__run",
    "loop_on_idle",
    "cb_idle_callback",
    "task_step",
    "task_step_impl",
    "task_step_handle_result_impl",
    "task_wakeup",
    "TaskStepMethWrapper_call",
    "TaskWakeupMethWrapper_call",
    "context_run",
];

/// What this frame is at the beginning of a stack; `None` if the reader wants to see it.
#[must_use]
pub fn beginning(parts: &Parts<'_>, kind: Kind) -> Option<Beginning> {
    let name = parts.name;
    if kind == Kind::Python {
        let file = parts.file().unwrap_or("");
        let is_in = |files: &[&str]| files.iter().any(|end| is_file(file, end));
        let is_thread = is_file(file, "threading.py") && THREAD_FUNCTIONS.contains(&name);
        if is_thread || is_in(SERVER_FILES) {
            return Some(Beginning::Server);
        }
        if is_in(START_UP_FILES) {
            return Some(Beginning::StartUp);
        }
        if name == "<module>" && (!file.contains('.') || file.ends_with("__main__.py")) {
            return Some(Beginning::StartUp);
        }
        if is_file(file, "concurrent/futures/thread.py") {
            return Some(Beginning::Group(THREAD_POOL));
        }
        let is_loop = is_in(LOOP_FILES);
        let is_root = is_loop && LOOP_ROOTS.iter().any(|root| name.ends_with(root));
        return is_loop.then_some(if is_root {
            Beginning::Loop
        } else {
            Beginning::Group(EVENT_LOOP)
        });
    }
    if [START_UP, EVENT_LOOP, THREAD_POOL].contains(&name) {
        // Cleaned already.
        return Some(match name {
            EVENT_LOOP => Beginning::Group(EVENT_LOOP),
            THREAD_POOL => Beginning::Group(THREAD_POOL),
            _ => Beginning::StartUp,
        });
    }
    // Addresses of no library are where unwinding lost its way.
    if parts.address().is_some_and(is_run_time_code) {
        // The trampolines that a worker has from before it was forked.
        return Some(Beginning::StartUp);
    }
    let is_libc = parts
        .address()
        .is_some_and(|library| library.is_empty() || is_file(library, "libc.so.6"));
    if is_libc || START_UP_NAMES.contains(&name) {
        return Some(Beginning::StartUp);
    }
    // Cython's C of uvloop.
    let is_uvloop = parts.file() == Some("loop.c")
        || parts
            .file()
            .is_some_and(|file| file.ends_with("uvloop/loop.c"));
    let is_loop = is_uvloop
        || LOOP_NAMES.contains(&name)
        || name.starts_with("uv_")
        || (name.starts_with("__pyx_") && name.contains("6uvloop"));
    let is_root =
        is_loop && (LOOP_ROOTS.iter().any(|root| name.ends_with(root)) || name == "uv_run");
    is_loop.then_some(if is_root {
        Beginning::Loop
    } else {
        Beginning::Group(EVENT_LOOP)
    })
}

/// The role of a thread of which only its language is known.
pub const PYTHON_THREAD: &str = "Python thread";

/// The role of a thread whose stacks have this frame at their beginning, if it tells.
#[must_use]
pub fn role(parts: &Parts<'_>, name: &str, kind: Kind) -> Option<&'static str> {
    match beginning(&Parts { name, ..*parts }, kind) {
        Some(Beginning::Loop | Beginning::Group(EVENT_LOOP)) => return Some("event loop"),
        Some(Beginning::Group(_)) => return Some("thread pool"),
        _ => {}
    }
    let library = parts.place.unwrap_or("").rsplit('/').next().unwrap_or("");
    let is_runtime = name.starts_with("tokio::")
        || name.starts_with("granian::")
        || library.starts_with("_granian.");
    if is_runtime && kind != Kind::Python {
        return Some("server runtime");
    }
    matches!(
        name,
        "thread_run" | "pythread_wrapper" | "Thread._bootstrap"
    )
    .then_some(PYTHON_THREAD)
}

fn is_file(file: &str, end: &str) -> bool {
    file.strip_suffix(end)
        .is_some_and(|before| before.is_empty() || before.ends_with('/'))
}
