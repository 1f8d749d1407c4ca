"""Profiles: recorders behind one protocol, the probe in the served process, and whose code it was."""
