"""The people of a system: who they are, how they come in, and what they may."""

from collections.abc import Iterable
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, Field

from isobuild.image.custom.kinds import FROZEN, FullName, Group, Lines, PasswordHash, Shell, SshKey, yes_no
from isobuild.image.fields import SECRET, CommaList, Unset, Username

Sudo = Annotated[Literal["no", "yes", "nopasswd"], BeforeValidator(yes_no)]
#: of the password "live", always with the same salt: the same order gives the same bytes
LIVE = "$6$isobuild$Ux99my/Kg/p70qgTMNET6pSmClZNRn65tBCd1BPiyQbdcpPAKBh8sjvMJhPvhYUQo5NfY9X6xNRv/Yn560mLr0"


class User(BaseModel):
    """An account of a person."""

    model_config = FROZEN

    name: Username = Field(description="the name to log in with")
    full_name: FullName = Field("", max_length=80, description="the person's name")
    password: Annotated[PasswordHash | None, Unset, SECRET] = Field(
        None, description="the password's hash, as 'mkpasswd' makes it; without one nobody logs in by password"
    )
    groups: Annotated[tuple[Group, ...], CommaList] = Field(
        (), max_length=50, description="further groups, such as docker; those for sound, video and the like come anyway"
    )
    ssh_keys: Annotated[tuple[SshKey, ...], Lines] = Field(
        (), max_length=50, description="SSH public keys that may come in, one a line"
    )
    sudo: Sudo = Field(
        "no", description="whether the person may do everything: no, yes, or nopasswd: without being asked"
    )
    autologin: bool = Field(False, description="logged in at the machine without being asked; one account at most")
    shell: Shell = Field("/bin/bash", description="the program that reads the person's commands")


def live(name: str) -> User:
    """The account of a live system where no others are ordered: its password is "live"."""
    return User(name=name, full_name=name, password=LIVE, sudo="nopasswd", autologin=True)


def at_the_machine(users: Iterable[User]) -> str:
    """The name of the account that is logged in at the machine by itself; "" if none is."""
    return next((user.name for user in users if user.autologin), "")


def table(users: Iterable[User]) -> str:
    """A line for each account, as accounts.sh reads it; the fields are never empty."""
    return "".join("\t".join(_fields(user)) + "\n" for user in users)


def keys(users: Iterable[User]) -> dict[str, str]:
    """The SSH keys of each who has some: name -> text of authorized_keys."""
    return {user.name: "".join(f"{key}\n" for key in user.ssh_keys) for user in users if user.ssh_keys}


def _fields(user: User) -> tuple[str, ...]:
    groups = " ".join(user.groups)
    return user.name, user.full_name or "-", user.password or "-", user.shell, groups or "-", user.sudo
