"""All that knows PagerDuty: its REST API and webhooks."""
