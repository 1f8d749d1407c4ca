//! Collapsed stacks: read, clean, merge, diff, draw.
