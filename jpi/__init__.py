"""jpi keeps PagerDuty incidents and Jira Cloud issues in step."""

# pyproject.toml has the same; a deployed jpi has only this.
__version__ = "0.1.0"
