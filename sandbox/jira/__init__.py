"""A simulated Jira Cloud site."""
