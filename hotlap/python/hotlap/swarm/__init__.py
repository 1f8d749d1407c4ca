"""What runs inside Locust, and only that: users of both kinds, the window of a trial, the figures they feed."""
