"""How a request finds its desk."""

from typing import Annotated

from fastapi import Depends, Request

from isobuild.desk import Desk


def _desk(request: Request) -> Desk:
    desk: Desk = request.app.state.desk
    return desk


AtDesk = Annotated[Desk, Depends(_desk)]
