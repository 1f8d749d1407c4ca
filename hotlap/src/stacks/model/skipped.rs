//! What a reader could not use, counted by reason.

/// Why something was skipped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reason {
    /// The line is longer than any stack.
    TooLong,
    /// A NUL byte is in the line.
    Nul,
    /// The line is not UTF-8.
    NotUtf8,
    /// No count ends the line, or it is no whole number of at least 1.
    NoCount,
    /// The count, or the sum of all counts, does not fit 64 bits.
    Overflow,
    /// There is no stack.
    NoStack,
    /// The line is none that the format knows.
    Malformed,
    /// The event is of another kind than the one that is counted.
    OtherEvent,
    /// A limit on frames or stacks is reached.
    Limit,
}

impl Reason {
    /// All reasons.
    pub const ALL: [Self; 9] = [
        Self::TooLong,
        Self::Nul,
        Self::NotUtf8,
        Self::NoCount,
        Self::Overflow,
        Self::NoStack,
        Self::Malformed,
        Self::OtherEvent,
        Self::Limit,
    ];

    /// The name that callers see.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::TooLong => "too_long",
            Self::Nul => "nul",
            Self::NotUtf8 => "not_utf8",
            Self::NoCount => "no_count",
            Self::Overflow => "overflow",
            Self::NoStack => "no_stack",
            Self::Malformed => "malformed",
            Self::OtherEvent => "other_event",
            Self::Limit => "limit",
        }
    }
}

/// Lines (or events) skipped, by reason.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Skipped([u64; Reason::ALL.len()]);

impl Skipped {
    /// Count one.
    pub fn count(&mut self, reason: Reason) {
        self.0[reason as usize] += 1;
    }

    /// How many for that reason.
    #[must_use]
    pub fn of(&self, reason: Reason) -> u64 {
        self.0[reason as usize]
    }

    /// How many in all.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.0.iter().sum()
    }

    /// The reasons that occurred, with their counts.
    pub fn reasons(&self) -> impl Iterator<Item = (Reason, u64)> + '_ {
        Reason::ALL
            .into_iter()
            .map(|reason| (reason, self.of(reason)))
            .filter(|&(_, count)| count > 0)
    }

    /// Add another's counts to these.
    pub fn extend(&mut self, other: &Self) {
        for (mine, theirs) in self.0.iter_mut().zip(other.0) {
            *mine += theirs;
        }
    }
}
