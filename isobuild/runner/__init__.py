"""The process that carries one build from claim to end; `run.py` reads as the story of it."""
