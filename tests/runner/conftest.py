"""Every test here has a site."""

from sites import build_user, site

__all__ = ["build_user", "site"]
