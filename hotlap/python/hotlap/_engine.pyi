"""The lab's engine, in Rust."""

from typing import final

build_profile: str
"""``release``, or ``debug`` where debug assertions are on."""

@final
class Histogram:
    """Latencies in microseconds, 1 µs to 1 h, three significant digits (an HDR histogram)."""

    def __new__(cls) -> Histogram: ...
    def record(self, latency_us: int) -> None:
        """Count one latency; a longer one than an hour counts as an hour."""

    def merge(self, other: Histogram) -> None:
        """Add all of another's."""

    def clear(self) -> None:
        """Forget all."""

    @property
    def count(self) -> int:
        """How many latencies were counted."""

    def quantile_ms(self, quantile: float) -> float | None:
        """The latency at a quantile, in ms; ``None`` with fewer than ``10 / (1 - quantile)`` samples.

        Raises:
            ValueError: the quantile is not in [0, 1).
        """

    @property
    def mean_ms(self) -> float | None:
        """The mean in milliseconds; ``None`` without a sample."""

    @property
    def max_ms(self) -> float | None:
        """The longest in milliseconds; ``None`` without a sample."""

    def hgrm(self) -> str:
        """The text that HdrHistogram's plotter reads, values in milliseconds."""

    def csv(self) -> str:
        """The recorded values in microseconds and their counts, as CSV with a header."""

    def encode(self) -> bytes:
        """The compressed form (HdrHistogram V2), to be sent elsewhere and merged there."""

    @staticmethod
    def decode(bytes: bytes) -> Histogram:
        """What ``encode`` made.

        Raises:
            ValueError: the bytes are not a histogram.
        """
