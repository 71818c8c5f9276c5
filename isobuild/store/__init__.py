"""Where finished files live: put, open, checksum, remove."""
