"""Style, script and icon: their addresses change with their contents, so browsers may keep them."""

from typing import Any

from fastapi import Response
from starlette.staticfiles import StaticFiles


class Assets(StaticFiles):
    """Static files that are kept for a year."""

    def file_response(self, *args: Any, **kwargs: Any) -> Response:
        """The file, or 304."""
        response = super().file_response(*args, **kwargs)
        response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
        return response
