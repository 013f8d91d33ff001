"""The status page: routes, sign-in, queries and view models."""
