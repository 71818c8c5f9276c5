"""Where builds run: a launcher starts a build's runner somewhere and returns at once."""
