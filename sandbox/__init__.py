"""Simulated PagerDuty and Jira Cloud on loopback, for tests, `make demo` and `make sandbox`. Never deployed."""
