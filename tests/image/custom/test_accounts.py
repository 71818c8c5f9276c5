"""People: how they come in is checked, and never as plain text."""

import pytest
from pydantic import ValidationError

from image.custom.samples import SHA256, SHA512, SSH_KEY, YESCRYPT
from isobuild.image.custom.accounts import LIVE, User, at_the_machine, keys, live, table

WRONG: list[tuple[str, object, str]] = [
    ("name", "a b", "a user name"),
    ("full_name", "Ana:0:0", "a person's name on one line, without ':' and ','"),
    ("full_name", "Ana\nroot", "a person's name on one line"),
    ("full_name", "-", "a person's name"),
    ("password", "secret", "the hash of a password, never the password itself"),
    ("password", "$1$tea$abcdefghijklmnopqrstu.", "it begins with $y$, $6$ or $5$"),
    ("password", f"{SHA512}\nroot::0:0::/:/bin/sh", "the hash of a password"),
    ("password", SHA512[:-1], "the hash of a password"),
    ("groups", ["docker:x"], "the name of a group"),
    ("ssh_keys", ["ssh-ed25519 AAAA"], "an SSH public key, one line"),
    ("ssh_keys", ["ssh-rsa " + SSH_KEY.split()[1]], "an SSH public key"),
    ("ssh_keys", ["-----BEGIN OPENSSH PRIVATE KEY-----"], "the private key stays with you"),
    ("ssh_keys", [f'command="id" {SSH_KEY}'], "an SSH public key"),
    ("sudo", "maybe", "'no', 'yes' or 'nopasswd'"),
    ("shell", "bash", "the path of a shell"),
    ("shell", "/bin/sh;id", "the path of a shell"),
]


@pytest.mark.parametrize(("field", "given", "allowed"), WRONG)
def test_a_wrong_account_says_what_may_be(field: str, given: object, allowed: str) -> None:
    with pytest.raises(ValidationError) as caught:
        User.model_validate({"name": "ana", field: given})
    (error,) = caught.value.errors()
    assert error["loc"][0] == field
    assert allowed in error["msg"]


@pytest.mark.parametrize("given", [YESCRYPT, SHA256, SHA512, SHA512.replace("$6$", "$6$rounds=50000$"), "", None])
def test_hashes_of_the_usual_kinds_are_taken(given: str | None) -> None:
    assert User(name="ana", password=given).password == (given or None)


@pytest.mark.parametrize(("given", "taken"), [(True, "yes"), (False, "no"), ("nopasswd", "nopasswd")])
def test_sudo_may_be_yamls_yes(given: object, taken: str) -> None:
    assert User.model_validate({"name": "ana", "sudo": given}).sudo == taken


def test_a_line_for_each() -> None:
    ana = User(
        name="ana", full_name="Ana B", password=SHA512, groups=("docker", "kvm"), ssh_keys=(SSH_KEY,), sudo="yes"
    )
    bo = User.model_validate({"name": "bo", "autologin": True, "shell": "/usr/bin/zsh"})
    assert table([ana, bo]) == (f"ana\tAna B\t{SHA512}\t/bin/bash\tdocker kvm\tyes\nbo\t-\t-\t/usr/bin/zsh\t-\tno\n")
    assert keys([ana, bo]) == {"ana": f"{SSH_KEY}\n"}
    assert at_the_machine([ana, bo]) == "bo"
    assert at_the_machine([ana]) == ""


def test_the_account_of_a_live_system() -> None:
    assert table([live("tea")]) == f"tea\ttea\t{LIVE}\t/bin/bash\t-\tnopasswd\n"
    assert at_the_machine([live("tea")]) == "tea"
