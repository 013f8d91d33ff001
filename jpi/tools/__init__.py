"""Commands: `python -m jpi.tools.<name> --help`."""
