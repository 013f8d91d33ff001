"""Checks of the settings, both services and AWS, shared by the doctor, the poll and the status page."""
