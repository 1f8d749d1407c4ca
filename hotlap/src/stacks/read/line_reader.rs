//! Lines of any length from a reader, without copying those that are whole in its buffer.

use std::io::{self, BufRead};

use memchr::memchr;

/// No stack is longer than this: what is longer is skipped without being held.
pub const MAX_LINE_BYTES: usize = 512 * 1024;

/// Call `each` with every line without its end; `None` stands for one that is too long.
///
/// # Errors
/// What the reader or `each` returns.
pub fn for_each_line<R: BufRead>(
    mut reader: R,
    mut each: impl FnMut(Option<&[u8]>) -> io::Result<()>,
) -> io::Result<()> {
    let mut carry: Vec<u8> = Vec::new();
    let mut too_long = false;
    loop {
        let buffer = match reader.fill_buf() {
            Ok(buffer) => buffer,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        if buffer.is_empty() {
            if too_long {
                each(None)?;
            } else if !carry.is_empty() {
                each(Some(trim(&carry)))?;
            }
            return Ok(());
        }
        let mut rest = buffer;
        while let Some(end) = memchr(b'\n', rest) {
            let line = &rest[..end];
            rest = &rest[end + 1..];
            if too_long || carry.len() + line.len() > MAX_LINE_BYTES {
                each(None)?;
            } else if carry.is_empty() {
                each(Some(trim(line)))?;
            } else {
                carry.extend_from_slice(line);
                each(Some(trim(&carry)))?;
            }
            carry.clear();
            too_long = false;
        }
        if too_long || carry.len() + rest.len() > MAX_LINE_BYTES {
            too_long = true;
            carry.clear();
        } else {
            carry.extend_from_slice(rest);
        }
        let used = buffer.len();
        reader.consume(used);
    }
}

fn trim(line: &[u8]) -> &[u8] {
    line.strip_suffix(b"\r").unwrap_or(line)
}
