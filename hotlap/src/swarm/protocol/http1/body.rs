//! Takes an answer's body out of what came, piece by piece: each byte is looked at once, however it was cut.

use super::malformed::{MAX_HEAD_BYTES, Malformed};

/// How a body ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ends {
    After(usize),
    Chunked,
    WithConnection,
}

/// Where a body's reading is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Body {
    ends: Ends,
    chunks: Chunks,
    /// How many bytes behind the head were taken.
    taken: usize,
}

/// What a body gave.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Taken {
    /// How many of the bytes that it was given it took.
    pub used: usize,
    /// Whether the body is whole.
    pub whole: bool,
    /// How many chunks ended in it.
    pub chunks: u64,
}

impl Body {
    pub fn new(ends: Ends) -> Self {
        Self {
            ends,
            chunks: Chunks::default(),
            taken: 0,
        }
    }

    /// Whether its end is that of the connection.
    pub fn ends_with_connection(&self) -> bool {
        self.ends == Ends::WithConnection
    }

    /// The body behind a head, once it is whole, and how many bytes of `rest` it takes. Chunks are put together in
    /// `unpacked`, which is its alone until then.
    ///
    /// Args: `rest` is all that came behind the head, from its first byte each time.
    pub fn read<'a>(
        &mut self,
        rest: &'a [u8],
        unpacked: &'a mut Vec<u8>,
        ended: bool,
    ) -> Result<Option<(usize, &'a [u8])>, Malformed> {
        match self.ends {
            Ends::After(length) if rest.len() >= length => Ok(Some((length, &rest[..length]))),
            Ends::WithConnection if ended => Ok(Some((rest.len(), rest))),
            Ends::Chunked => {
                if self.taken == 0 {
                    unpacked.clear();
                }
                let taken = self.take(&rest[self.taken..], unpacked, ended)?;
                Ok(taken.whole.then_some((self.taken, &unpacked[..])))
            }
            _ if ended => Err(Malformed::EndedEarly),
            _ => Ok(None),
        }
    }

    /// Take what comes next, and append what it holds of the body to `out`.
    ///
    /// Args: `next` begins with the first byte that was not used before.
    pub fn take(
        &mut self,
        next: &[u8],
        out: &mut Vec<u8>,
        ended: bool,
    ) -> Result<Taken, Malformed> {
        let taken = match self.ends {
            Ends::After(length) => {
                let used = next.len().min(length - self.taken);
                out.extend_from_slice(&next[..used]);
                Taken {
                    used,
                    whole: self.taken + used == length,
                    chunks: u64::from(used > 0),
                }
            }
            Ends::WithConnection => {
                out.extend_from_slice(next);
                Taken {
                    used: next.len(),
                    whole: ended,
                    chunks: u64::from(!next.is_empty()),
                }
            }
            Ends::Chunked => self.chunks.take(next, out)?,
        };
        self.taken += taken.used;
        if ended && !taken.whole {
            return Err(Malformed::EndedEarly);
        }
        Ok(taken)
    }
}

/// Where the reading of chunks is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Stage {
    #[default]
    Size,
    /// So many bytes of the chunk are to come.
    Data(usize),
    /// The line's end behind a chunk.
    End,
    /// Lines up to an empty one; so many bytes of them came.
    Trailers(usize),
    Done,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Chunks {
    stage: Stage,
}

impl Chunks {
    fn take(&mut self, next: &[u8], out: &mut Vec<u8>) -> Result<Taken, Malformed> {
        let mut taken = Taken::default();
        loop {
            let rest = &next[taken.used..];
            match self.stage {
                Stage::Size => match httparse::parse_chunk_size(rest) {
                    Ok(httparse::Status::Complete((at, size))) => {
                        let size = usize::try_from(size).map_err(|_| Malformed::Chunk)?;
                        taken.used += at;
                        self.stage = if size == 0 {
                            Stage::Trailers(0)
                        } else {
                            Stage::Data(size)
                        };
                    }
                    Ok(httparse::Status::Partial) if rest.len() > MAX_HEAD_BYTES => {
                        return Err(Malformed::Chunk);
                    }
                    Ok(httparse::Status::Partial) => return Ok(taken),
                    Err(_) => return Err(Malformed::Chunk),
                },
                Stage::Data(left) => {
                    let part = rest.len().min(left);
                    out.extend_from_slice(&rest[..part]);
                    taken.used += part;
                    if part < left {
                        self.stage = Stage::Data(left - part);
                        return Ok(taken);
                    }
                    self.stage = Stage::End;
                }
                Stage::End => {
                    if !b"\r\n".starts_with(&rest[..rest.len().min(2)]) {
                        return Err(Malformed::Chunk);
                    }
                    if rest.len() < 2 {
                        return Ok(taken);
                    }
                    taken.used += 2;
                    taken.chunks += 1;
                    self.stage = Stage::Size;
                }
                Stage::Trailers(so_far) => {
                    let Some(line) = memchr::memmem::find(rest, b"\r\n") else {
                        return if so_far + rest.len() > MAX_HEAD_BYTES {
                            Err(Malformed::Chunk)
                        } else {
                            Ok(taken)
                        };
                    };
                    taken.used += line + 2;
                    self.stage = if line == 0 {
                        Stage::Done
                    } else {
                        Stage::Trailers(so_far + line + 2)
                    };
                }
                Stage::Done => {
                    taken.whole = true;
                    return Ok(taken);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHUNKED: &[u8] = b"3\r\nhel\r\n2;x=y\r\nlo\r\n0\r\nT: x\r\n\r\n";

    #[test]
    fn chunks_are_the_same_however_they_are_cut() {
        for size in 1..CHUNKED.len() + 5 {
            let (mut body, mut out) = (Body::new(Ends::Chunked), Vec::new());
            let (mut kept, mut chunks, mut whole) = (Vec::new(), 0, false);
            let bytes = [CHUNKED, b"next"].concat();
            for piece in bytes.chunks(size) {
                assert!(!whole || kept.len() + piece.len() <= 4);
                kept.extend_from_slice(piece);
                if !whole {
                    let taken = body.take(&kept, &mut out, false).unwrap();
                    kept.drain(..taken.used);
                    chunks += taken.chunks;
                    whole = taken.whole;
                }
            }
            assert_eq!(
                (&out[..], chunks, whole),
                (&b"hello"[..], 2, true),
                "{size}"
            );
            assert_eq!(kept, b"next");
        }
    }

    #[test]
    fn what_is_no_chunk_is_refused() {
        for wrong in [
            &b"x\r\n"[..],
            b"3\r\nhelXX",
            b"3\r\nhelX",
            b"fffffffffffffffff\r\n",
        ] {
            let taken = Body::new(Ends::Chunked).take(wrong, &mut Vec::new(), false);
            assert_eq!(taken, Err(Malformed::Chunk), "{}", wrong.escape_ascii());
        }
        let endless = vec![b'a'; MAX_HEAD_BYTES + 1];
        let trailers = [b"0\r\n".to_vec(), endless].concat();
        let taken = Body::new(Ends::Chunked).take(&trailers, &mut Vec::new(), false);
        assert_eq!(taken, Err(Malformed::Chunk));
    }

    #[test]
    fn an_end_before_its_time_is_told() {
        for (ends, bytes) in [(Ends::After(9), &b"short"[..]), (Ends::Chunked, b"3\r\nhe")] {
            let taken = Body::new(ends).take(bytes, &mut Vec::new(), true);
            assert_eq!(taken, Err(Malformed::EndedEarly));
        }
        let mut out = Vec::new();
        let taken = Body::new(Ends::WithConnection).take(b"all", &mut out, true);
        assert!(taken.unwrap().whole);
        assert_eq!(out, b"all");
    }

    /// The work for a body is that of its bytes, not of how often some came.
    #[test]
    fn chunks_that_come_one_by_one_are_looked_at_once() {
        let mut whole = Vec::new();
        for _ in 0..1000 {
            whole.extend_from_slice(b"4\r\nabcd\r\n");
        }
        whole.extend_from_slice(b"0\r\n\r\n");
        let (mut body, mut unpacked) = (Body::new(Ends::Chunked), Vec::new());
        for end in (9..=whole.len()).step_by(9) {
            let before = body.taken;
            let read = body.read(&whole[..end], &mut unpacked, false).unwrap();
            assert!(read.is_none() || end == whole.len());
            assert_eq!(body.taken, end.min(whole.len()), "after {before}");
        }
        assert_eq!(unpacked.len(), 4000);
    }
}
