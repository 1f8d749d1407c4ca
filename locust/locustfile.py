"""Every lane at once, or those that are named: ``locust -f locust/locustfile.py NativeCpu PythonCpu``."""

from pyapp.experiment import users

globals().update(users())
