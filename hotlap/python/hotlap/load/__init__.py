"""What the lab does with load: a Locust process for each trial, the engine told what to send, its figures added up."""
