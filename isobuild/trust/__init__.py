"""What lies beside an ISO so that people need not take our word for it: sums, signature, what is in it, how it came.

`beside.py` names the files; keys, sums, sbom, provenance, zsync and torrent make one each; check.py holds them against
the ISO again. Nothing here knows a database, and no network is needed.
"""
