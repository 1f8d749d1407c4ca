//! Frames that only pass a call on: they are dropped wherever they are.

/// Functions of the interpreter that only pass a call on.
const INTERPRETER_NAMES: &[&str] = &[
    "PyEval_EvalFrameDefault",
    "PyEval_EvalFrame",
    "PyEval_Vector",
    "PyGen_am_send",
    "PyGen_Send",
    "PyIter_Send",
    "gen_send",
    "gen_send_ex",
    "gen_send_ex2",
    "gen_iternext",
    "trace_call_function",
    "cfunction_vectorcall_FASTCALL_KEYWORDS_METHOD",
    "PyObject_CallFunctionVa",
    "PyObject_CallFunction_SizeT",
    "PyFunction_Vectorcall",
    "PyFunction_FastCallDict",
    "PyObject_Call",
    "PyObject_Call_Prepend",
    "PyObject_CallMethod",
    "PyObject_CallMethodIdOneArg",
    "PyObject_CallMethodOneArg",
    "PyObject_CallFunctionObjArgs",
    "PyObject_CallOneArg",
    "PyObject_CallNoArgs",
    "PyObject_CallObject",
    "PyObject_FastCall",
    "PyObject_FastCallDict",
    "PyObject_FastCallDictTstate",
    "PyObject_MakeTpCall",
    "PyObject_Vectorcall",
    "PyObject_VectorcallTstate",
    "PyObject_VectorcallMethod",
    "PyObject_VectorcallMethodId",
    "PyVectorcall_Call",
    "PyVectorcall_Function",
    "PyCFunction_Call",
    "PyMethod_Vectorcall",
    "method_vectorcall",
    "method_vectorcall_NOARGS",
    "method_vectorcall_O",
    "method_vectorcall_FASTCALL",
    "method_vectorcall_FASTCALL_KEYWORDS",
    "method_vectorcall_VARARGS",
    "method_vectorcall_VARARGS_KEYWORDS",
    "cfunction_call",
    "cfunction_vectorcall_NOARGS",
    "cfunction_vectorcall_O",
    "cfunction_vectorcall_FASTCALL",
    "cfunction_vectorcall_FASTCALL_KEYWORDS",
    "cfunction_enter_call",
    "object_vacall",
    "slot_tp_call",
    "do_call_core",
    "call_function",
    "Py_trampoline_func_start",
    "py_trampoline_evaluator",
    "Pyx_PyObject_Call",
    "Pyx_PyObject_FastCallDict",
    "Pyx_PyObject_CallMethO",
    "Pyx_CyFunction_CallAsMethod",
    // Counting references, inlined: recorders put it between callers and callees.
    "Py_DECREF",
    "Py_XDECREF",
    "Py_INCREF",
    "Py_XINCREF",
];

/// Functions of Rust that only stand between a call and its panics, by their own names.
const RUST_NAMES: &[&str] = &[
    "catch_unwind",
    "do_call",
    "try",
    "trampoline",
    "fastcall_cfunction_with_keywords",
    "__rust_try",
    "__rust_begin_short_backtrace",
];

/// The kernel's way from a system call or an interrupt to what it is about.
const KERNEL_NAMES: &[&str] = &[
    "entry_SYSCALL_64_after_hwframe",
    "entry_SYSCALL_64",
    "do_syscall_64",
    "x64_sys_call",
    "el0_svc",
    "el0t_64_sync",
    "invoke_syscall",
    "ret_from_fork",
    "ret_from_fork_asm",
];

/// Whether a frame of the kernel only passes a call on.
#[must_use]
pub fn is_kernel_function(name: &str) -> bool {
    KERNEL_NAMES.contains(&name)
}

/// Whether the frame only passes a call on.
#[must_use]
pub fn is_function(name: &str) -> bool {
    let name = name.strip_suffix(".cold").unwrap_or(name);
    let path = name.split('<').next().unwrap_or(name);
    let own = path
        .rsplit("::")
        .find(|part| !part.is_empty())
        .unwrap_or(path);
    INTERPRETER_NAMES.contains(&name.trim_start_matches('_'))
        || RUST_NAMES.contains(&own)
        || name.contains("pyo3::impl_::trampoline::")
}

/// Whether a source file only passes calls on: PyO3's door between interpreter and Rust.
#[must_use]
pub fn is_file(file: &str) -> bool {
    file.strip_suffix("trampoline.rs")
        .is_some_and(|before| before.is_empty() || before.ends_with('/'))
}
