"""isobuild's queue and its peers behind one seam, so that the same is measured of each: `python -m bench queue`."""
