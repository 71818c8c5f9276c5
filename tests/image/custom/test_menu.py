"""The boot menu as it was ordered."""

from isobuild.image.custom.menu import entries


def test_one_line_with_what_was_added() -> None:
    (entry,) = entries("Tea", ("nomodeset", "video=640x480"), persistence=False)
    assert (entry.title, entry.arguments) == ("Tea", "boot=live nonetworking quiet nomodeset video=640x480")


def test_two_lines_where_changes_may_be_kept() -> None:
    first, second = entries("Tea", (), persistence=True)
    assert (first.title, first.arguments) == ("Tea (keeps changes)", "boot=live nonetworking quiet persistence")
    assert (second.title, second.arguments) == ("Tea (forgets changes)", "boot=live nonetworking quiet")
