//! A made-up recording: distinct stacks of a service with Python, Rust and C in it, the same each time.

use std::fmt::Write as _;
use std::io::{self, Write};

/// How many functions there are.
const FUNCTIONS: u64 = 20_000;
/// What one function calls, at most.
const CALLEES: u64 = 100;
/// Lines come in no order, as recorders write them: a step that shares no factor with the usual counts.
const STEP: u64 = 7_919;

/// Write `count` distinct stacks of about 90 bytes.
pub fn write(count: u64, out: &mut impl Write) -> io::Result<()> {
    let mut line = String::new();
    for at in (0..count).map(|at| at * STEP % count) {
        line.clear();
        line.push_str("worker");
        // Three calls, each one of a hundred, tell a million stacks apart.
        let mut function = at / CALLEES.pow(3);
        for level in (0..3).rev() {
            let call = at / CALLEES.pow(level) % CALLEES;
            function = (function * 31 + call + 1) % FUNCTIONS;
            line.push(';');
            name(function, &mut line);
        }
        let _ = writeln!(line, " {}", 1 + at % 9);
        out.write_all(line.as_bytes())?;
    }
    Ok(())
}

fn name(function: u64, line: &mut String) {
    let _ = match function % 4 {
        0 => write!(
            line,
            "handle_{function} (app/views_{}.py:{})",
            function % 50,
            function % 300
        ),
        1 => write!(
            line,
            "_ZN4core4iter10step{function:06}17h{:016x}E",
            function.wrapping_mul(0x9e37_79b9)
        ),
        2 => write!(line, "module::type{}::method_{function}", function % 100),
        _ => write!(line, "c_function_{function} (libwork.so)"),
    };
}
