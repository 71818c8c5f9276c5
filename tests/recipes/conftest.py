"""Some tests here have a site."""

from sites import build_user, site

__all__ = ["build_user", "site"]
