"""Witnesses that others wrote: what they say of each call that jpi makes."""
