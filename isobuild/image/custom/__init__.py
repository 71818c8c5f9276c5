"""Everything that people customise: options with words for people, and the script that makes a system so.

`Customisation` has the options. `packages`, `sources`, `logins`, `preferences` and `dpkg_options` are for who installs;
`check_packages` tells whether all that comes of that will do. `files` are for who runs custom/apply in the finished
system, and `uploads` names what it needs beside them; `menu` is the boot menu, and `proof` what the serial console
shows when the system is up.
"""

from isobuild.image.custom.options import Customisation, check_packages
from isobuild.image.custom.parts import (
    asked,
    dpkg_options,
    files,
    has_secret,
    logins,
    packages,
    preferences,
    proof,
    sources,
    uploads,
)

__all__ = [
    "Customisation",
    "asked",
    "check_packages",
    "dpkg_options",
    "files",
    "has_secret",
    "logins",
    "packages",
    "preferences",
    "proof",
    "sources",
    "uploads",
]
