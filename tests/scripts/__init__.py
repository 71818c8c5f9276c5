"""Tests of what has root rights."""
