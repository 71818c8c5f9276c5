"""A person's way, in a real browser: order, watch it move, download, check."""

import hashlib
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from cafe import open_cafe

from isobuild.domain import tasks, updates
from web.counter import NOW, Counter, fill
from web.serving import serve

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.browser
PATIENCE = 30_000  # milliseconds for what takes one or two seconds, on a loaded machine
FINE = "responded with a status of (404|422)|Multiple forms should be contained|Autofocus processing was blocked"
PHONE = 390  # pixels
CONTENT = bytes(range(256)) * 4096
PIXEL = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010806000000"
    "1f15c4890000000d49444154789c6360606060000000050001a5f645400000000049454e44ae426082"
)  # a PNG


@pytest.fixture(scope="module")
def browser(needed: Callable[[str], str]) -> Iterator["Browser"]:
    """A browser of this module."""
    from playwright.sync_api import expect, sync_playwright

    expect.set_options(timeout=PATIENCE)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=needed("chromium"), headless=True)
        yield browser
        browser.close()


@pytest.fixture
def address(counter: Counter) -> Iterator[str]:
    """The address of the page."""
    with serve(counter.settings.home) as (address, _):
        yield address


@pytest.fixture
def page(browser: "Browser", address: str) -> Iterator["Page"]:
    """The page, in a window of its own; nothing that the browser complains of is overlooked."""
    with browser.new_context(base_url=address) as context:
        page = context.new_page()
        complaints: list[str] = []
        asked: list[str] = []
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("request", lambda request: asked.append(request.url))
        yield page
        assert [words for words in complaints if not re.search(FINE, words)] == []
        assert [url for url in asked if not url.startswith(address)] == []


def test_order_correct_and_order(page: "Page", counter: Counter) -> None:
    from playwright.sync_api import expect

    page.goto("/")
    expect(page.get_by_text("Nothing ordered yet")).to_be_visible()
    page.get_by_role("link", name="Debian live").click()
    page.get_by_label("Name", exact=False).first.fill("my kiosk")
    page.get_by_label("Hostname").fill("lab-2")
    page.get_by_label("Packages").fill("htop, nginx")
    page.get_by_role("button", name="Order").click()
    expect(page.locator("#name-error")).to_contain_text("'my kiosk' can't be a name")
    expect(page.get_by_label("Packages")).to_have_value("htop, nginx")
    page.locator("#name").fill("kiosk")
    page.get_by_role("button", name="Order").click()
    expect(page).to_have_url(re.compile(r"/tasks/1$"))
    expect(page).to_have_title("kiosk: pending · isobuild")
    assert counter.task(1)["options"]["packages"] == ["htop", "nginx"]
    assert counter.task(1)["options"]["hostname"] == "lab-2"


def test_a_change_shows_what_it_comes_to(page: "Page", counter: Counter) -> None:
    """Twice: the part that was put in its place listens too; what was typed stays."""
    from playwright.sync_api import expect

    page.goto("/order/debian-live")
    expect(page.locator("#preview-told")).to_contain_text("How many packages")
    page.get_by_label("Packages").fill("htop")
    page.get_by_label("Packages").press("Tab")
    expect(page.locator("#preview-told")).to_contain_text("this site looks up no packages")
    page.get_by_label("Hostname").fill("Not one")
    page.get_by_label("Hostname").press("Tab")
    expect(page.locator("#preview-told")).to_contain_text("a host name")
    expect(page.get_by_label("Packages")).to_have_value("htop")
    page.get_by_label("Hostname").fill("lab")
    page.get_by_role("button", name="Preview").click()
    expect(page.locator("#preview-told")).to_contain_text("this site looks up no packages")
    expect(page.get_by_label("Hostname")).to_have_value("lab")
    assert counter.tasks() == []


def test_rows_are_added_and_removed_where_one_is(page: "Page", counter: Counter, tmp_path: Path) -> None:
    """By keyboard; what was typed stays, secrets too, and a file is brought along."""
    from playwright.sync_api import expect

    open_cafe(counter.settings.home)
    (tmp_path / "wall.png").write_bytes(PIXEL)
    page.goto("/order/cafe")
    page.locator("#name").fill("party")
    page.locator("summary", has_text="People").press("Enter")
    for place, name in enumerate(["ana", "budi", "citra"]):
        page.locator("#add-option-guests").press("Enter")
        expect(page.locator(f"[name='option.guests.{place}.name']")).to_be_focused()
        page.keyboard.type(name)
        page.keyboard.press("Tab")
        page.keyboard.type(f"sesam-{name}")
    page.locator("#option-guests-1").get_by_role("button", name="Remove this one").press("Enter")
    expect(page.locator("#option-guests-1")).to_have_count(0)
    page.locator("summary", has_text="Look").click()
    page.get_by_label("Picture").last.set_input_files(tmp_path / "wall.png")
    page.locator("#name").press("Enter")
    expect(page).to_have_url(re.compile(r"/tasks/1$"))
    expect(page.locator("dd", has_text="name: citra")).to_contain_text("password: (secret)")
    with counter.db.read() as session:
        chosen = tasks.get(session, 1).options
    assert [guest["password"] for guest in chosen["guests"]] == ["sesam-ana", "sesam-citra"]
    assert counter.desk().uploads.path(chosen["picture"]).read_bytes() == PIXEL


def test_a_task_moves_by_itself_until_it_is_downloaded(page: "Page", counter: Counter, tmp_path: Path) -> None:
    from playwright.sync_api import expect

    number = counter.order("kiosk")
    page.goto(f"/tasks/{number}")
    expect(page.get_by_text("It is the next")).to_be_visible()
    build = counter.start()
    counter.log(build[0], "run step kernel", "out unpacking")
    expect(page.locator(".lines")).to_contain_text("unpacking")
    for percent in (20.0, 70.0):
        counter.progress(build, percent, "kernel")
        expect(page.get_by_role("progressbar")).to_have_attribute("value", str(percent))
        expect(page).to_have_title(f"kiosk: building {percent:.0f} % · isobuild")
    counter.log(build[0], "err <script>document.title = 'stolen'</script>")
    expect(page.locator(".lines li.err")).to_contain_text("stolen")
    counter.log(build[0], "run done")
    stored = counter.succeed(build, CONTENT)
    expect(page.get_by_role("status")).to_have_text("ready")
    expect(page).to_have_title("kiosk: ready · isobuild")
    expect(page.locator(".lines li").last).to_contain_text("done")
    expect(page.locator(".lines")).to_contain_text("unpacking")
    assert page.locator(".lines li").count() == 4
    with page.expect_download() as download:
        page.get_by_role("link", name="Download").click()
    download.value.save_as(tmp_path / "kiosk.iso")
    digest = hashlib.sha256((tmp_path / "kiosk.iso").read_bytes()).hexdigest()
    assert digest == stored.sha256
    expect(page.get_by_text(digest)).to_be_visible()


def test_the_list_moves_without_losing_what_a_person_does(page: "Page", counter: Counter) -> None:
    from playwright.sync_api import expect

    counter.order("first")
    build = counter.start()
    counter.order("second")
    page.goto("/")
    link = page.get_by_role("link", name="second")
    link.focus()
    counter.progress(build, 55.0, "squash")
    expect(page.locator(".progress span", has_text="55 %, squash")).to_be_visible()
    expect(link).to_be_focused()
    counter.succeed(build, CONTENT)
    expect(page.get_by_role("link", name="Download first.iso")).to_be_visible()
    expect(link).to_be_focused()


def test_a_question_stays_open_while_the_page_moves(page: "Page", counter: Counter) -> None:
    from playwright.sync_api import expect

    number = counter.order("kiosk")
    page.goto(f"/tasks/{number}")
    page.get_by_text("Cancel", exact=True).click()
    build = counter.start(NOW)
    counter.progress(build, 5.0, "kernel")
    expect(page.locator(".progress span", has_text="5 %, kernel")).to_be_visible()
    page.get_by_role("button", name="Yes, cancel").click()
    expect(page.get_by_role("status")).to_have_text("stopping")


def test_what_is_being_typed_stays_while_the_page_moves(page: "Page", counter: Counter) -> None:
    from playwright.sync_api import expect

    number = counter.order("kiosk")
    build = counter.start(NOW)
    page.goto(f"/tasks/{number}")
    page.get_by_text("Give back", exact=True).click()
    page.get_by_label("Not before").fill("2031-12-24T18:00")
    for percent in (5, 6):
        counter.progress(build, float(percent), "kernel")
        expect(page.locator(".progress span", has_text=f"{percent} %, kernel")).to_be_visible()
    expect(page.get_by_label("Not before")).to_have_value("2031-12-24T18:00")
    page.locator("#ask-tags summary").click()
    page.get_by_label("Tags").fill("Äh=1")
    page.get_by_role("button", name="Save").click()
    expect(page.locator("#tags-error")).to_contain_text("'Äh' can't be used")
    counter.progress(build, 7.0, "kernel")
    expect(page.locator(".progress span", has_text="7 %, kernel")).to_be_visible()
    expect(page.locator("#tags-error")).to_be_visible()
    page.get_by_label("Tags").fill("team=kde")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("link", name="team=kde")).to_be_visible()


def test_the_screen_of_the_boot_test_is_seen(page: "Page", counter: Counter) -> None:
    from playwright.sync_api import expect

    number = counter.order("kiosk")
    up = {"reached": True, "seconds": 12.1, "accel": "kvm", "where": None}
    counter.succeed(counter.start(), CONTENT, beside={"boot-bios": PIXEL}, proof={"bios": up})
    page.goto(f"/tasks/{number}")
    expect(page.get_by_role("status")).to_have_text("ready verified")
    screen = page.get_by_role("img", name="The screen of a machine with BIOS")
    screen.scroll_into_view_if_needed()
    expect(screen).to_have_js_property("naturalWidth", 1)


def test_a_task_that_was_removed_meanwhile_is_told(page: "Page", counter: Counter) -> None:
    from playwright.sync_api import expect

    number = counter.order("kiosk")
    page.goto(f"/tasks/{number}")
    counter.db.write(tasks.remove, number, "ann", NOW)
    expect(page.get_by_role("heading", name="There is nothing here")).to_be_visible()


def test_on_a_phone_nothing_is_wider_than_the_screen(browser: "Browser", address: str, counter: Counter) -> None:
    numbers = fill(counter)
    newer = {"name": "openssl", "old": "3.0.19-1~deb12u1", "new": "3.0.20-1~deb12u2", "security": True}
    counter.db.write(updates.note, numbers["ready"], [newer], NOW, "the rest was not looked at")
    counter.desk().add_schedule("nightly", "0 3 * * *", "tiny", {}, zone="Asia/Jakarta")
    tasks = [f"/tasks/{number}" for number in numbers.values()]
    with browser.new_context(base_url=address, viewport={"width": PHONE, "height": 800}) as context:
        page = context.new_page()
        for path in ("/", "/queues", "/schedules", "/order/debian-live", "/order/remaster", *tasks):
            page.goto(path)
            assert page.evaluate("document.documentElement.scrollWidth") <= PHONE, path
            boxes = [link.bounding_box() for link in page.locator("header a").all()]
            assert all(box and box["x"] >= 0 and box["x"] + box["width"] <= PHONE for box in boxes), path


def test_without_javascript_it_is_still_a_page(browser: "Browser", address: str, counter: Counter) -> None:
    with browser.new_context(base_url=address, java_script_enabled=False) as context:
        page = context.new_page()
        page.goto("/order/tiny")
        page.locator("#name").fill("kiosk")
        page.get_by_role("button", name="Order").click()
        page.locator("#ask-cancel summary").click()
        page.get_by_role("button", name="Yes, cancel").click()
        assert page.locator("[role=status]").inner_text() == "canceled"
        page.locator("#ask-remove summary").click()
        page.get_by_role("button", name="Yes, remove").click()
        assert "Nothing ordered yet" in page.locator("#tasks").inner_text()
    assert counter.tasks() == []
