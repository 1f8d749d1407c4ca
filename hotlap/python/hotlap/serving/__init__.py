"""The app while it is measured: its server and processes, what it must answer, and where all of it runs."""
