"""The status page: what jpi does, shown to the team that runs it."""
