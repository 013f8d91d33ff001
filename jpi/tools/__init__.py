"""The command `jpi`. Each of its commands is also a module to run: `python -m jpi.tools.<name> --help`."""
