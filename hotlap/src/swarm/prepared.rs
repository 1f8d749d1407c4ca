//! A request that can be sent: compiled once, filled with the values of a position.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::checks::{Checks, Sent};
use super::data::{Compiler, Drawn, OutOfData, Position, Share, Values};
use super::error::Result;
use super::protocol::{Asked, Encoded, Outgoing, Received, Verdict, encode};
use super::request::Request;
use super::streamed::Streamed;

/// A request, ready to be sent.
pub struct PreparedRequest {
    /// Its place in the accounts.
    pub name: usize,
    /// What it is counted under.
    pub title: String,
    pub to_head: bool,
    /// Whether its method changes nothing.
    pub is_safe: bool,
    pub stream: Option<Streamed>,
    parts: Parts,
    values: Arc<Values>,
}

/// What is compiled of a request.
pub struct Parts {
    encoded: Encoded,
    checks: Checks,
}

impl PreparedRequest {
    /// Prepare a request for the server of a host, below a path of its.
    pub fn new(request: &Request, host: &str, prefix: &str, name: usize) -> Result<Self> {
        let mut compiler = Compiler::new(request.files.as_deref());
        let Parts { encoded, checks } = Self::compile(request, host, prefix, &mut compiler)?;
        let files = request.files.clone().unwrap_or_default();
        let values = Values::new(files, compiler.sources, 0);
        let parts = Parts {
            encoded: encoded.constant(&values),
            checks,
        };
        Ok(Self::of(request, parts, Arc::new(values), name))
    }

    /// Compile a request, beside others that share its values.
    pub fn compile(
        request: &Request,
        host: &str,
        prefix: &str,
        compiler: &mut Compiler<'_>,
    ) -> Result<Parts> {
        Ok(Parts {
            encoded: encode(request, host, prefix, compiler)?,
            checks: Checks::new(request, compiler)?,
        })
    }

    /// A request of what was compiled.
    pub fn of(request: &Request, parts: Parts, values: Arc<Values>, name: usize) -> Self {
        Self {
            name,
            title: request.name.clone(),
            to_head: request.method == "HEAD",
            is_safe: matches!(&*request.method, "GET" | "HEAD" | "OPTIONS" | "TRACE"),
            stream: request.stream,
            parts,
            values,
        }
    }

    /// Whether it is another one from time to time.
    pub fn differs(&self) -> bool {
        self.values.differ()
    }

    /// Whether it has a value that no other request may have.
    pub fn once(&self) -> bool {
        self.values.once()
    }

    /// Make its bytes with the next values of a sequence.
    pub fn fill_next(
        &self,
        outgoing: &mut Outgoing,
        sequence: &Sequence,
    ) -> std::result::Result<(), OutOfData> {
        if !self.differs() {
            return Ok(());
        }
        self.fill(outgoing, sequence.seed, sequence.next())
    }

    /// Make its bytes at a position.
    pub fn fill(
        &self,
        outgoing: &mut Outgoing,
        seed: u64,
        position: u64,
    ) -> std::result::Result<(), OutOfData> {
        if self.differs() {
            let position = Position {
                request: position,
                user: position,
            };
            outgoing.drawn.draw(&self.values, seed, position)?;
            self.fill_drawn(outgoing, &[]);
        }
        Ok(())
    }

    /// Make its bytes of what was drawn, with these cookies.
    pub fn fill_drawn(&self, outgoing: &mut Outgoing, cookies: &[u8]) {
        self.parts.encoded.fill(outgoing, &self.values, cookies);
    }

    /// The bytes, once they were made.
    pub fn bytes<'a>(&'a self, outgoing: &'a Outgoing) -> &'a [u8] {
        match &self.parts.encoded {
            Encoded::Constant(bytes) => bytes,
            Encoded::Filled { .. } => &outgoing.bytes,
        }
    }

    /// What goes over the wire: its bytes, once they were made.
    pub fn asked<'a>(&self, bytes: &'a [u8]) -> Asked<'a> {
        Asked {
            bytes,
            to_head: self.to_head,
            is_safe: self.is_safe,
            stream: self.stream,
        }
    }

    /// Hold an answer against what was expected of it; `random` is from 0 up to 1.
    pub fn judge(
        &self,
        answer: Received<'_>,
        drawn: &Drawn,
        random: impl FnOnce() -> f64,
    ) -> Verdict {
        self.parts.checks.judge(answer, self.sent(drawn), random)
    }

    /// What is wrong with this one answer.
    pub fn explain(&self, answer: Received<'_>, drawn: &Drawn) -> Option<String> {
        self.parts.checks.explain(answer, self.sent(drawn))
    }

    fn sent<'a>(&'a self, drawn: &'a Drawn) -> Sent<'a> {
        Sent {
            drawn,
            values: &self.values,
        }
    }
}

/// Where the requests of a behaviour are in their sequence of values.
pub struct Sequence {
    pub seed: u64,
    pub share: Share,
    taken: AtomicU64,
}

impl Sequence {
    /// One from its start.
    pub fn new(seed: u64, share: Share) -> Self {
        Self {
            seed,
            share,
            taken: AtomicU64::new(0),
        }
    }

    /// How many positions were taken.
    pub fn taken(&self) -> u64 {
        self.taken.load(Ordering::Relaxed)
    }

    /// The next position.
    pub fn next(&self) -> u64 {
        self.share
            .position(self.taken.fetch_add(1, Ordering::Relaxed))
    }
}
