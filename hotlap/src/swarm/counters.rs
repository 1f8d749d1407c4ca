//! What became of requests, in sums that can be added: started = answered + failed + aborted + in flight.

use std::collections::BTreeMap;

use super::histogram::Histogram;

/// Calls a macro with the list of all that is counted: the one place where it stands.
macro_rules! for_all_counters {
    ($macro:ident) => {
        $macro! {
            counts {
                /// Requests that began.
                started,
                /// Those whose answer was as expected.
                answered,
                /// Those that ended otherwise.
                failed,
                /// Those that were given up.
                aborted,
                /// Open arrivals that the bound on requests in flight turned away; they count as nothing else.
                not_offered,
                /// Users, or streams of arrivals, that ended because no row was left for them.
                out_of_data,
                /// Answers whose body was parsed or searched, where something in it was expected.
                parsed,
                /// Further requests that were sent since an answer redirected.
                redirected,
                /// Flows whose user had to begin anew.
                renewed,
                /// Requests that were sent once more, since the server had just closed the connection that was kept.
                reconnected,
                /// Answers that ended with a TLS connection that was closed without notice.
                cut,
                /// The bodies of the answers; of streams as they come.
                body_bytes,
                /// Events of streams, as they come.
                events,
            }
            histograms {
                /// Response times of what was answered as expected, from the *intended* send.
                response,
                /// The same of other answers, and of time limits.
                failure,
                /// Service times of what was answered as expected, from the real send.
                service,
                /// How long new connections took.
                connect,
                /// How much later than intended requests were sent, connecting left out.
                lag,
                /// Of streams: from the intended send to the first byte of the body.
                first_byte,
                /// Of streams: from the intended send to the first event.
                first_event,
                /// Of streams: from an event to the next one.
                gap,
            }
        }
    };
}
#[cfg(feature = "python")]
pub(crate) use for_all_counters;

/// What happened in one second of the wall clock.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Second {
    pub finished: u64,
    pub failed: u64,
}

macro_rules! define {
    (
        counts { $($(#[$count_doc:meta])* $count:ident,)* }
        histograms { $($(#[$histogram_doc:meta])* $histogram:ident,)* }
    ) => {
        /// What became of the requests of one name over a time; histograms in microseconds.
        #[derive(Clone, Debug, Default, PartialEq)]
        pub struct Counters {
            $($(#[$count_doc])* pub $count: u64,)*
            $($(#[$histogram_doc])* pub $histogram: Histogram,)*
            /// Requests in flight, integrated over time: request-seconds.
            pub in_flight_s: f64,
            /// How often each error occurred.
            pub errors: BTreeMap<String, u64>,
            /// By second of the Unix clock.
            pub seconds: BTreeMap<u64, Second>,
        }

        impl Counters {
            /// Add another's.
            pub fn merge(&mut self, other: &Self) {
                $(self.$count += other.$count;)*
                $(self.$histogram.merge(&other.$histogram);)*
                self.in_flight_s += other.in_flight_s;
                for (error, count) in &other.errors {
                    *self.errors.entry(error.clone()).or_default() += count;
                }
                for (second, counts) in &other.seconds {
                    let own = self.seconds.entry(*second).or_default();
                    own.finished += counts.finished;
                    own.failed += counts.failed;
                }
            }
        }
    };
}
for_all_counters!(define);

impl Counters {
    /// Requests that ended by themselves, well or not.
    pub fn requests(&self) -> u64 {
        self.answered + self.failed
    }

    /// Requests that began and have not ended. Below 0 where more ended than began meanwhile.
    pub fn in_flight(&self) -> i64 {
        let ended = self.requests() + self.aborted;
        self.started.cast_signed() - ended.cast_signed()
    }

    /// Count so many in flight as aborted: their process is gone. Below 0: it was not, after all.
    pub fn write_off(&mut self, count: i64) {
        match self.aborted.checked_add_signed(count) {
            Some(aborted) => self.aborted = aborted,
            // They were written off before a reset: they are in flight again, so that they count as started.
            None => self.started = self.started.saturating_add(count.unsigned_abs()),
        }
    }

    /// Count anew. What is in flight counts as started: it will end in what is counted from now on.
    pub fn reset(&mut self) {
        *self = Self {
            started: u64::try_from(self.in_flight()).unwrap_or(0),
            ..Self::default()
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_off_can_come_back() {
        let mut counters = Counters {
            started: 3,
            ..Counters::default()
        };
        counters.write_off(3);
        assert_eq!((counters.aborted, counters.in_flight()), (3, 0));
        counters.write_off(-3);
        assert_eq!((counters.aborted, counters.in_flight()), (0, 3));
        counters.write_off(3);
        counters.reset();
        counters.write_off(-3);
        assert_eq!((counters.aborted, counters.in_flight()), (0, 3));
    }

    #[test]
    fn what_is_in_flight_outlives_a_reset() {
        let mut counters = Counters {
            started: 5,
            answered: 2,
            failed: 1,
            ..Counters::default()
        };
        assert_eq!(counters.in_flight(), 2);
        counters.reset();
        assert_eq!((counters.started, counters.requests()), (2, 0));
        let ended = Counters {
            answered: 1,
            aborted: 1,
            ..Counters::default()
        };
        assert_eq!(ended.in_flight(), -2);
        counters.merge(&ended);
        assert_eq!(counters.in_flight(), 0);
    }
}
