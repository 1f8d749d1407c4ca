//! What is not an answer of HTTP/1.1.

/// The most that a head may take, in bytes.
pub const MAX_HEAD_BYTES: usize = 256 * 1024;

/// Why bytes are not an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    #[error("the answer is not HTTP")]
    Head,
    #[error("the answer's head is over 256 KiB or has more than 256 headers")]
    HeadTooLarge,
    #[error("the answer's content length is not a number")]
    ContentLength,
    #[error("the answer's chunks are malformed")]
    Chunk,
    #[error("the server switched to another protocol unasked (101)")]
    Switched,
    #[error("the connection ended within the answer")]
    EndedEarly,
}
