//! The reader of collapsed stacks: `outer;inner;innermost COUNT`, a line a stack. Counts may have fractions.

use std::io::BufRead;

use memchr::{memchr, memchr_iter, memrchr};

use super::line_reader::for_each_line;
use crate::stacks::error::Result;
use crate::stacks::model::{Frame, NodeId, PARTS, ROOT, Reason, Stacks};

/// Read collapsed stacks. Lines that are none are skipped and counted; empty ones and comments are not.
///
/// # Errors
/// The reader's.
pub fn read_collapsed<R: BufRead>(reader: R) -> Result<Stacks> {
    let mut collapsed = Collapsed::default();
    for_each_line(reader, |line| {
        collapsed.line(line);
        Ok(())
    })?;
    Ok(collapsed.stacks)
}

/// Files are mostly sorted: the stack before shares its first frames with this one, and their nodes.
#[derive(Default)]
struct Collapsed {
    stacks: Stacks,
    before: Vec<u8>,
    /// Where each frame of `before` ends, and its node.
    ends: Vec<(usize, NodeId)>,
}

impl Collapsed {
    fn line(&mut self, line: Option<&[u8]>) {
        let Err(reason) = self.try_line(line) else {
            return;
        };
        let is_comment = line.is_some_and(|line| line.trim_ascii_start().starts_with(b"# "));
        if !(is_comment && reason == Reason::NoCount) {
            self.stacks.skipped.count(reason);
        }
    }

    fn try_line(&mut self, line: Option<&[u8]>) -> std::result::Result<(), Reason> {
        let line = line.ok_or(Reason::TooLong)?.trim_ascii();
        if line.is_empty() {
            return Ok(());
        }
        if memchr(0, line).is_some() {
            return Err(Reason::Nul);
        }
        let line = std::str::from_utf8(line).map_err(|_| Reason::NotUtf8)?;
        let space = memrchr(b' ', line.as_bytes()).ok_or(Reason::NoCount)?;
        let count = Count::parse(&line[space + 1..])?;
        let stack = line[..space].trim().trim_matches(';');
        if stack.is_empty() {
            return Err(Reason::NoStack);
        }
        if count.millionths > 0 && !self.stacks.keep_fractions() {
            return Err(Reason::Overflow);
        }
        let value = count.in_parts(self.stacks.parts).ok_or(Reason::Overflow)?;
        let node = self.node(stack)?;
        if self.stacks.add(node, value) {
            Ok(())
        } else {
            Err(Reason::Overflow)
        }
    }

    fn node(&mut self, stack: &str) -> std::result::Result<NodeId, Reason> {
        let bytes = stack.as_bytes();
        let shared = self
            .before
            .iter()
            .zip(bytes)
            .take_while(|(a, b)| a == b)
            .count();
        // A frame is shared if it ends alike in both: at a separator, or where the stack ends.
        let ends_at =
            |text: &[u8], end: usize| text.get(end).is_none_or(|_| is_separator(text, end));
        while let Some(&(end, _)) = self.ends.last() {
            if end <= shared && ends_at(bytes, end) && ends_at(&self.before, end) {
                break;
            }
            self.ends.pop();
        }
        let (mut start, mut node) = match self.ends.last() {
            Some(&(end, node)) => (end + 1, node),
            None => (0, ROOT),
        };
        self.before.clear();
        self.before.extend_from_slice(bytes);
        if start >= bytes.len() {
            return Ok(node);
        }
        let from = start;
        let mut command = command_end(stack, start);
        for end in memchr_iter(b';', &bytes[from..])
            .map(|at| from + at)
            .chain([bytes.len()])
        {
            let is_within = command.is_some_and(|at| end < at);
            if end < bytes.len() && (is_within || !is_separator(bytes, end)) {
                continue;
            }
            let text = stack[start..end].trim();
            if !text.is_empty() {
                let frame = self
                    .stacks
                    .intern(text, || Frame::parse(text))
                    .ok_or(Reason::Limit)?;
                node = self.stacks.child(node, frame).ok_or(Reason::Limit)?;
            }
            self.ends.push((end, node));
            start = end + 1;
            command = stack.get(start..).and_then(|_| command_end(stack, start));
        }
        if node == ROOT {
            Err(Reason::NoStack)
        } else {
            Ok(node)
        }
    }
}

/// Whether the `;` at `at` parts two frames: in `[u8; 8]` it does not.
fn is_separator(text: &[u8], at: usize) -> bool {
    text[at] == b';' && text.get(at + 1) != Some(&b' ')
}

/// Where the frame that begins at `start` ends, if it is a process with its command line, as py-spy writes it:
/// `process 7:"python -c 'a;b'"`. The command line may have any text in it, with separators and quotes.
fn command_end(stack: &str, start: usize) -> Option<usize> {
    let rest = stack[start..].strip_prefix("process ")?;
    let after_pid = rest.trim_start_matches(|c: char| c.is_ascii_digit());
    if after_pid.len() == rest.len() || !after_pid.starts_with(":\"") {
        return None;
    }
    let begin = stack.len() - after_pid.len() + ":\"".len();
    let ends =
        || memchr::memmem::find_iter(&stack.as_bytes()[begin..], "\";").map(|at| begin + at + 1);
    // What follows it in a recording of several processes tells the end for certain.
    ends()
        .find(|&end| {
            let next = &stack[end + 1..];
            next.starts_with("process ") || next.starts_with("thread (")
        })
        .or_else(|| ends().next())
}

/// The count that ends a line.
#[derive(Debug, Clone, Copy)]
struct Count {
    whole: u64,
    millionths: u64,
}

impl Count {
    fn parse(text: &str) -> std::result::Result<Self, Reason> {
        let (whole, part) = text.split_once('.').unwrap_or((text, ""));
        let are_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        if whole.is_empty() || !are_digits(whole) || !are_digits(part) {
            return Err(Reason::NoCount);
        }
        // A value of less than half a millionth is 0, which is no count.
        let digits = format!("{:0<7}", part.get(..7).unwrap_or(part));
        let tenth_millionths: u64 = digits.parse().map_err(|_| Reason::NoCount)?;
        let millionths = (tenth_millionths + 5) / 10;
        let carried = millionths / PARTS;
        let whole = whole
            .parse::<u64>()
            .ok()
            .and_then(|whole| whole.checked_add(carried))
            .ok_or(Reason::Overflow)?;
        let count = Self {
            whole,
            millionths: millionths % PARTS,
        };
        match (count.whole, count.millionths) {
            (0, 0) => Err(Reason::NoCount),
            _ => Ok(count),
        }
    }

    /// The count in units of which `parts` make one of the recording's.
    fn in_parts(self, parts: u64) -> Option<u64> {
        self.whole
            .checked_mul(parts)?
            .checked_add(self.millionths / (PARTS / parts))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &[u8]) -> Stacks {
        read_collapsed(text).unwrap()
    }

    fn written(stacks: &Stacks) -> String {
        let mut out = Vec::new();
        stacks.write_collapsed(&mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn stacks_that_begin_alike_share_their_nodes() {
        let stacks = read(b"a;b;c 1\na;b 2\na;bc 3\na;b;c;d 4\na 5\r\nb;c 6\na;b;c 7");
        assert_eq!(
            written(&stacks),
            "a 5\na;b 2\na;b;c 8\na;b;c;d 4\na;bc 3\nb;c 6\n"
        );
        assert_eq!((stacks.total(), stacks.nodes().len()), (28, 8));
    }

    #[test]
    fn a_semicolon_before_a_blank_is_part_of_a_name() {
        let stacks = read(b"main;take<[u8; 8]>;f 1\nmain;take<[u8; 9]>;f 1\n");
        assert_eq!(stacks.len(), 2);
        assert_eq!(
            written(&stacks),
            "main;take<[u8: 8]>;f 1\nmain;take<[u8: 9]>;f 1\n"
        );
    }

    #[test]
    fn counts_with_fractions_are_read_and_written() {
        let stacks = read(b"a;b 31.23\na 2\na;b 6.1\na 0.4\na 1.\nc 0.9999999\na 0.0000001\n");
        assert_eq!(written(&stacks), "a 3.4\na;b 37.33\nc 1\n");
        assert_eq!(stacks.total(), 41_730_000);
        assert_eq!(stacks.skipped.of(Reason::NoCount), 1);
        let mut both = read(b"a 1\n");
        both.merge(&stacks);
        assert_eq!(written(&both), "a 4.4\na;b 37.33\nc 1\n");
        let huge = read(b"a 18446744073709551615\nb 1.5\n");
        assert_eq!(huge.skipped.of(Reason::Overflow), 1);
    }

    #[test]
    fn a_command_line_is_one_frame() {
        let first = "process 7:\"python -c import a;main(6)\"";
        let second = "process 8:\"sh -c 'say \";x\"; y'\"";
        let text = format!("{first};{second};thread (9): t;f (a.py:1) 2\n{first};g 1\n{first} 1\n");
        let stacks = read(text.as_bytes());
        let frames: Vec<_> = stacks.frames().iter().map(|frame| &*frame.text).collect();
        assert_eq!(frames, [first, second, "thread (9): t", "f (a.py:1)", "g"]);
        assert_eq!(stacks.total(), 4);
    }

    #[test]
    fn what_is_no_stack_is_skipped_and_counted() {
        let mut text = b"a;b 1\nno count\na;b -1\na;b 1.5.1\n 7\n;; 7\na 0\na\0b 1\na\xffb 1\na 99999999999999999999\n# a comment\n\n".to_vec();
        text.extend(std::iter::repeat_n(b'x', 1 << 20));
        text.extend(b" 1\na;b 2\n");
        let stacks = read(&text);
        assert_eq!(written(&stacks), "a;b 3\n");
        let counts = [
            (Reason::NoCount, 5),
            (Reason::NoStack, 1),
            (Reason::Nul, 1),
            (Reason::NotUtf8, 1),
            (Reason::Overflow, 1),
            (Reason::TooLong, 1),
        ];
        for (reason, count) in counts {
            assert_eq!(stacks.skipped.of(reason), count, "{}", reason.as_str());
        }
    }

    #[test]
    fn a_sum_that_does_not_fit_is_not_counted() {
        let stacks = read(b"a 18446744073709551615\nb 1\na 1\n");
        assert_eq!(stacks.total(), u64::MAX);
        assert_eq!(stacks.skipped.of(Reason::Overflow), 2);
    }

    #[test]
    fn lines_longer_than_the_readers_buffer_are_whole() {
        let long = format!("{};end 3\nshort 1\n", "f".repeat(100_000));
        let reader = std::io::BufReader::with_capacity(64, long.as_bytes());
        assert_eq!(written(&read_collapsed(reader).unwrap()), long);
    }
}
