"""A run: its jobs, the runner that does them, and what is stored of it."""
