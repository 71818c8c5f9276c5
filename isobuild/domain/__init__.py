"""What isobuild knows: the rows, and the only code that changes them.

Every function takes the session first and `now` last, and changes a state by one guarded UPDATE
whose row count decides. A late, doubled or dead actor therefore changes nothing.
"""
