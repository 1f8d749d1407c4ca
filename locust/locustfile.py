"""All of them at once, or those that are named: ``locust -f locust/locustfile.py Read Cpu``."""

from cpu import Cpu
from cpualloc import Cpualloc
from fast import Fast
from read import Read

__all__ = ["Cpu", "Cpualloc", "Fast", "Read"]
