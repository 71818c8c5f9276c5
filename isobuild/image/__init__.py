"""What recipes are made of: steps as values, and the pure functions that give them; and the proof that an ISO boots."""
