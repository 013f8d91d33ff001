"""A simulated PagerDuty account."""
