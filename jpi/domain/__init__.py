"""Decides: incidents, issues, links, policy and the decision. Pure: no I/O, no clock, no vendor formats."""
