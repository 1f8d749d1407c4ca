"""Profilers: a module each behind one protocol."""
