"""Both services, the store, the log and the queue as plain Python behind jpi's ports; times are `sandbox.clock`'s."""
