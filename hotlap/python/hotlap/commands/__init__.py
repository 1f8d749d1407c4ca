"""The commands, a module each; each has a ``command``."""
