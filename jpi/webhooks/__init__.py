"""Pure: bytes and headers in, events out."""
