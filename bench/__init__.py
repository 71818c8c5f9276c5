"""What isobuild costs, measured: `python -m bench [NAME...]` prints tables and asserts nothing."""
