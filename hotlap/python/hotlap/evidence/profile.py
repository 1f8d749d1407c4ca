"""What a profile saw."""

from __future__ import annotations

import enum

import msgspec

from hotlap.evidence.figures import Amount, Count, Difference, FileName, Percentiles, Place
from hotlap.experiment import Mode


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """A line of a function, with values in the profile's unit."""

    place: str
    """``file.py:58``."""
    self_value: Amount
    total_value: Amount


class Frame(msgspec.Struct, kw_only=True):
    """A function of a profile. ``self_value`` and ``total_value`` are in the profile's unit."""

    name: str
    """Of a Python function with its file, and with its line where but one was seen."""
    kind: str
    self_value: Amount
    total_value: Amount
    location: str | None = None
    """``file:line`` of its heaviest line."""
    lines: list[Line] = []
    """Where several were seen: each, the heaviest first."""


class PythonFrames(enum.Enum):
    """How much of Python's own stacks perf could read."""

    WHOLE = "whole"
    INNERMOST = "innermost"
    """Of each stack only the innermost Python function."""
    MISSING = "missing"


class NativeFrames(enum.Enum):
    """Whether a recorder that reads native stacks could."""

    READ = "read"
    UNREADABLE = "unreadable"
    """Most could not be unwound: the recording has Python's frames only."""
    DISTORT = "distort"
    """To read them changed who holds the interpreter: likewise."""


class OwnShare(msgspec.Struct, frozen=True, kw_only=True):
    """A function of the app's own, with the share of the samples that are its own or were made for it."""

    function: Place
    share: Amount


class WorkKind(enum.Enum):
    """A kind of work that libraries do for an app."""

    ALLOCATION = "malloc and free"
    JSON = "the standard library's JSON"
    SQL = "SQL"
    TEMPLATES = "templates"
    REGULAR_EXPRESSIONS = "regular expressions"
    DEEP_COPIES = "deep copies"
    LOGGING = "logging"
    PYDANTIC = "pydantic"


class WorkCaller(msgspec.Struct, frozen=True, kw_only=True):
    """Whose code asks for a kind of work."""

    library: str | None
    """The package's folder or module, as ``botocore``; ``None``: the app itself."""
    function: str
    """The one that asks most often, with its place."""
    share: float
    """Of this kind's samples."""


class WorkShare(msgspec.Struct, frozen=True, kw_only=True):
    """A kind of work with its share of the samples, and the app's functions that most of it is done for."""

    kind: WorkKind
    share: Amount
    by: list[OwnShare]
    """Shares of this kind's samples."""
    alone: float | None = None
    """Of all samples: those without another kind of work within this one, such as the SQL of a template. Allocating,
    copies and regular expressions are parts of other work, and do not count. ``None`` where nobody looked."""
    callers: list[WorkCaller] = []
    """Who asks for it, the heaviest first; the standard library's own frames are passed over."""


class Attribution(msgspec.Struct, frozen=True, kw_only=True):
    """Whose code the processor's time goes to."""

    own: list[OwnShare] = []
    kinds: list[WorkShare] = []


class GilHold(msgspec.Struct, frozen=True, kw_only=True):
    """How often the interpreter was found held."""

    samples: Count
    looks: Count
    """At each process."""
    outside_share: Amount | None = None
    """Of the samples: native code that holds it; ``None`` where native frames could not be read."""
    unstopped_samples: Count | None = None
    """The same without stopping the server for each look, which has no native frames; ``None`` where nobody tried."""
    unstopped_looks: Count | None = None
    moved_share: Amount | None = None
    """Of the samples with native frames: so many more than by chance were of others than those without stopping."""

    @property
    def share(self) -> float | None:
        """Of the time, without stopping the server if it was looked at so; ``None`` without a look."""
        if self.unstopped_looks and self.unstopped_samples is not None:
            return min(1.0, self.unstopped_samples / self.unstopped_looks)
        return min(1.0, self.samples / self.looks) if self.looks else None


class WaitKind(enum.Enum):
    """What a suspended task waits for."""

    LOCK = "lock"
    SEMAPHORE = "semaphore"
    CONDITION = "condition"
    EVENT = "event"
    QUEUE = "queue"
    TIMER = "timer"
    STREAM = "stream"
    THREAD_POOL = "thread-pool"
    LOOP_TURN = "loop-turn"
    """Its turn on the event loop."""
    CLIENT = "client"
    """Its client: nothing of the server's."""
    FUTURE = "future"
    """A bare future: nobody says what it stands for."""
    OTHER = "other"


class Wait(msgspec.Struct, frozen=True, kw_only=True):
    """What some of the suspended tasks wait for."""

    kind: WaitKind
    what: str
    """In words, such as ``asyncio.Lock``."""
    share: Amount
    """Of the suspended tasks."""
    by: Place | None = None
    """The app's function that waits."""

    def __str__(self) -> str:
        return self.what + (f" in {self.by}" if self.by is not None else "")


class LoopBlock(msgspec.Struct, frozen=True, kw_only=True):
    """A function of the app's own that kept an event loop from running."""

    by: Place
    seconds: Amount
    inside: str | None = None
    """What that function ran, where it is not the app's."""


class TaskWaits(msgspec.Struct, frozen=True, kw_only=True):
    """What the tasks of the event loops wait for, and how late the loops run."""

    waits: list[Wait] = []
    """The most frequent first, told apart by who waits."""
    waits_for: dict[str, Amount] = {}
    """The share of each thing that is waited for, whoever waits."""
    blocked: list[LoopBlock] = []
    looked_s: Amount | None = None
    """How long the loops were looked at."""
    tasks_mean: Amount | None = None
    """Tasks that were suspended, on average."""
    loop_lag_ms: Percentiles | None = None
    ms_per_look: Amount | None = None
    """What a look costs, and what share of the loop's time all looks took."""
    share_of_loop: Amount | None = None


class OffCpuTimes(msgspec.Struct, frozen=True, kw_only=True):
    """Where the time of threads went that were off the processor."""

    switches_per_s: Amount
    unpaired: Count
    runnable_us: Count
    waiting_us: Count
    throughout_us: Count
    """Of threads that were blocked throughout: they served nobody meanwhile."""
    throughout_svg: FileName | None = None
    """Where these are drawn, if they are left out of the graph because they would fill it."""


class BytesOf(msgspec.Struct, frozen=True, kw_only=True):
    """A function by what it allocates."""

    name: str
    bytes_per_request: Amount
    location: str | None = None


class Allocations(msgspec.Struct, frozen=True, kw_only=True):
    """What requests allocate, counted exactly."""

    allocations_per_request: Amount
    bytes_per_request: Amount
    peak_rss_bytes: Count | None = None
    heaviest_by_bytes: list[BytesOf] = []


class RouteShare(msgspec.Struct, frozen=True, kw_only=True):
    """What a scenario of a mix has of a profile."""

    scenarios: list[str] = []
    """More than one where a function handles several; none: what belongs to no scenario."""
    handlers: list[Place] = []
    """The app's functions that handle it, at the line where each begins."""
    value: Amount
    """In the profile's unit."""
    share: Amount


class ApartKind(enum.Enum):
    """A process of a server that answers no requests."""

    SUPERVISOR = "supervisor"
    """It starts those that do, and looks after them."""
    TRACKER = "tracker"
    """multiprocessing's own."""


class Apart(msgspec.Struct, frozen=True, kw_only=True):
    """What processes that serve nobody used: it is not in the profile's stacks."""

    kind: ApartKind
    samples: Count
    processes: Count


class Profile(msgspec.Struct, kw_only=True):
    """One profile of one lane."""

    profiler: str
    mode: Mode
    unit: str = "samples"
    collapsed: FileName | None = None
    svg: FileName | None = None
    raw: list[FileName] = []
    samples: Count | None = None
    """All that were taken, those of waiting threads among them."""
    waiting: Amount | None = None
    """In the profile's unit: what waited, and is not in the stacks; ``None`` where waiting is not left out."""
    apart: list[Apart] = []
    """What was seen of processes that serve nobody, beside the stacks."""
    missed: Count | None = None
    errors: Count | None = None
    looks: Count | None = None
    """At each process, of a recorder that looks at all threads at once: ``errors`` are failed looks then."""
    rate_hz: Amount | None = None
    rate_reached_hz: Amount | None = None
    duration_s: Amount | None = None
    requests: Count | None = None
    server_cpu_us_per_request: Difference | None = None
    processor_time_s: Difference | None = None
    """That the server's processes used meanwhile."""
    unnamed_share: Amount | None = None
    probe: bool = False
    error: str | None = None
    """Why there is no profile, and what to do; the rest of the run went on."""
    stands_in: str | None = None
    """Why another recorder than the mode's own was used."""
    native_frames: NativeFrames | None = None
    python_frames: PythonFrames | None = None
    total: Amount | None = None
    """The values of all stacks added up, in the profile's unit."""
    frames: list[Frame] = []
    """The heaviest functions; the collapsed stacks have all."""
    attribution: Attribution | None = None
    routes: list[RouteShare] = []
    """Of a mix: what each of its scenarios has, the heaviest first, and last what belongs to none."""
    gil: GilHold | None = None
    tasks: TaskWaits | None = None
    off_cpu: OffCpuTimes | None = None
    allocations: Allocations | None = None

    @property
    def rests_on(self) -> int | None:
        """How many samples the stacks hold: the one count that shares are of. ``None`` if it is not known."""
        if self.unit == "samples" and self.total is not None:
            return round(self.total)
        return self.samples


class DiffFrame(msgspec.Struct, frozen=True, kw_only=True):
    """A function in two profiles, in the difference's unit."""

    name: str
    kind: str
    a: Amount
    b: Amount
    self_a: Amount
    self_b: Amount


class ProfileDiff(msgspec.Struct, frozen=True, kw_only=True):
    """A differential flame graph of two lanes."""

    a: str
    b: str
    mode: Mode = "on-cpu"
    unit: str = ""
    svg: FileName | None = None
    error: str | None = None
    frames: list[DiffFrame] = []
