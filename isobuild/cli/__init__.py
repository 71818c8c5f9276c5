"""The command line: parse, call, print.

Exit codes: 0 done; 1 it failed (the build that was followed, a check, the database); 2 bad input; 3 refused,
because it does not go with the present state; 4 there is no such task, build or file; 130 interrupted.
"""
