"""Traffic that was recorded elsewhere, read as requests: access logs, HAR files and curl commands."""

from hotlap.recorded.request import Recorded, RecordedError, Unread

__all__ = ["Recorded", "RecordedError", "Unread"]
