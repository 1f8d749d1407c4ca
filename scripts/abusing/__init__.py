"""What ``scripts/abuse`` does to the service and the lab: a module a kind of abuse, and one for the tables."""
