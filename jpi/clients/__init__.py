"""The two services' APIs; one file each is the only import of its library."""
