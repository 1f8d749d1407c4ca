//! What can go wrong with an engine before any request is sent, in sentences that say what it is.

/// An engine that cannot start, or a request or behaviour that it refuses.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The address is not one, or cannot be resolved.
    #[error("{0}")]
    Url(String),
    /// Whom to trust cannot be told.
    #[error("{0}")]
    Tls(String),
    /// The system refuses a thread or a timer.
    #[error(transparent)]
    Io(#[from] std::io::Error),
    /// Values cannot be had, or cannot stand where they shall.
    #[error("{0}")]
    Data(String),
    /// A request cannot be sent.
    #[error("{0}")]
    Request(String),
    /// An argument is out of its range.
    #[error("{0}")]
    Argument(String),
}

/// The result of a fallible function of this module.
pub type Result<T> = std::result::Result<T, EngineError>;
