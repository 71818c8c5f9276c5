"""What recipes are made of: steps as values, and the pure functions that give them.

Two files beside them start programs of the host's, outside the door, as nothing of a build runs in these: `upstream`
asks archives what they offer, `medium` looks whether an ISO is whole, `proof` boots it.
"""
