"""All that knows Jira Cloud: its REST API, webhooks, documents and queries."""
