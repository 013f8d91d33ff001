"""The page of `make sandbox`."""
