"""What jpi costs, measured: `python -m sandbox.bench`."""
