"""Performs decisions through ports: loads a link, enriches the event, executes actions, saves."""
