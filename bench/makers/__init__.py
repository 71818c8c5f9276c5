"""Who makes the same live system: each maker's `make` leaves an ISO in a folder, and returns its path."""
