"""Local servers that speak the protocols of the providers byte for byte, and break when they are told to."""
