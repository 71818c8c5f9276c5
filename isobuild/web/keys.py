"""The key that signs this site's ISOs, for everybody who wants to check them."""

from fastapi import APIRouter, Response

from isobuild.desk import Desk
from isobuild.errors import HostFault, NotFound
from isobuild.trust import keys
from isobuild.trust.keys import Key
from isobuild.web.reception import AtDesk

router = APIRouter(tags=["site"])


@router.head("/key.asc", include_in_schema=False)
@router.get("/key.asc", response_class=Response)
def send_key(desk: AtDesk) -> Response:
    """The public key, ASCII-armored."""
    key = keys.find(desk.settings.signing)
    if key is None:
        raise NotFound(what="key", given="of this site", hint="Its ISOs are not signed.")
    return Response(key.public, media_type="application/pgp-keys")


def known(desk: Desk) -> Key | None:
    """The key, if it can be shown."""
    try:
        return keys.find(desk.settings.signing)
    except HostFault:  # those who run the site are told by `isobuild check`
        return None
