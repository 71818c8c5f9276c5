"""The numbers that tasks, builds and other rows have."""

LARGEST = 2**31 - 1  # an INTEGER of each database: nothing has a larger one
DIGITS = len(str(LARGEST))


def number_or_name(word: str) -> int | str:
    """A task as people write it; digits that are too many for a number are a name."""
    return int(word) if word.isdecimal() and len(word) <= DIGITS else word
