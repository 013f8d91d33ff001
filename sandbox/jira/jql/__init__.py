"""JQL, as far as people and jpi write it."""
