"""Every state of a small world: one incident, one issue, two workers and a poll, by jpi's real decision and service."""
