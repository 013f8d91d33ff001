"""jpi keeps PagerDuty incidents and Jira Cloud issues in step."""
