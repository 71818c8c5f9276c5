"""What isobuild knows: the rows, and the only code that changes them.

Functions take the session first and, where it counts, the time: as `now`, or in a `By`. A state changes by one guarded
UPDATE, whose row count decides. A late, doubled or dead actor therefore changes nothing.
"""
