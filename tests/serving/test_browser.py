"""The page in a browser: what it paints and makes is what Python does, and people can use it."""

import functools
import logging
import os
import re
import shutil
import threading
import time
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from sklearn.datasets import load_sample_image

from shanshui.pipelines.stylize import Stylizer
from shanshui.serving.engine import OnnxPainter, scenes

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")

LOG = logging.getLogger(__name__)  # figures, with --log-cli-level INFO
DIST = Path(__file__).parents[2] / "docs" / "browser" / "dist"
CHROMIUM = shutil.which("chromium")
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
]
SECONDS = 60_000  # as Playwright counts

pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium"),
    pytest.mark.skipif(
        not all((DIST / "models" / f"{name}.onnx").is_file() for name in ("painter", "landscape")),
        reason="docs/browser/dist is not built with painter.onnx and landscape.onnx",
    ),
]


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        """Tests print nothing about files."""


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    handler = functools.partial(Quiet, directory=str(DIST))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with playwright.sync_playwright() as maker:
        browser = maker.chromium.launch(executable_path=CHROMIUM, args=FLAGS)  # with a new folder for its data
        yield browser
        browser.close()


@pytest.fixture
def page(browser: Any, address: str) -> Iterator[Any]:
    context = browser.new_context(
        locale="en-GB", accept_downloads=True, permissions=["camera"], viewport={"width": 1280, "height": 800}
    )
    context.set_default_timeout(SECONDS)
    page = context.new_page()
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.goto(address)
    yield page
    context.close()
    assert faults == []


@pytest.fixture(scope="module")
def photo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Sky and roofs, with sides that are no multiples of 8."""
    path = tmp_path_factory.mktemp("photos") / "china.png"
    Image.fromarray(load_sample_image("china.jpg")[20:225, 100:411]).save(path)
    return path


def says(page: Any, pattern: str) -> None:
    """Wait for the page to say this. Its content security policy lets nothing be evaluated in it meanwhile."""
    playwright.expect(page.locator("#status")).to_have_text(re.compile(pattern), timeout=SECONDS)


def finished(page: Any) -> str:
    """Wait for a picture, and tell what the page says of it, which it then forgets."""
    says(page, r"^\d+ × \d+")
    told: str = page.locator("#status").inner_text()
    page.evaluate("document.getElementById('status').textContent = ''")
    return told


def saved(page: Any) -> tuple[str, NDArray[np.uint8]]:
    with page.expect_download() as download:
        page.get_by_role("button", name="Save the picture").click()
    return download.value.suggested_filename, np.asarray(Image.open(download.value.path()).convert("RGB"))


def difference(one: NDArray[np.uint8], other: NDArray[np.uint8]) -> int:
    assert one.shape == other.shape
    return int(np.abs(one.astype(int) - other).max())


def test_a_photo_is_painted_as_python_paints_it(page: Any, photo: Path) -> None:
    page.get_by_label("Choose a photo").set_input_files(photo)
    finished(page)
    page.get_by_role("radio", name="ukiyoe").check()
    began = time.monotonic()
    told = finished(page)
    seconds = time.monotonic() - began
    page.get_by_label("Strength").fill("80")
    name, picture = saved(page)
    assert name == "china-ukiyoe.png"
    stylizer = Stylizer(OnnxPainter(DIST / "models" / "painter.onnx"))
    began = time.monotonic()
    expected = np.asarray(stylizer(photo, "ukiyoe", strength=0.8))
    ours = time.monotonic() - began
    network = np.asarray(Stylizer.from_pretrained("painter")(photo, "ukiyoe", strength=0.8))
    apart = np.abs(picture.astype(int) - network)
    LOG.info("%s; the page %.2f s, Python %.2f s", told, seconds, ours)
    LOG.info(
        "differs from Python by %d of 255, from PyTorch by %.2f on the mean",
        difference(picture, expected),
        apart.mean(),
    )
    if folder := os.environ.get("SHANSHUI_SCREENSHOTS"):
        page.screenshot(path=f"{folder}/desk.png")
    assert difference(picture, expected) <= 2
    assert np.abs(picture.astype(int) - np.asarray(Image.open(photo))).mean() > 5


def test_strength_and_the_photo_itself(page: Any, photo: Path) -> None:
    page.get_by_label("Choose a photo").set_input_files(photo)
    finished(page)
    page.get_by_label("Strength").fill("0")
    original = np.asarray(Image.open(photo))
    assert difference(saved(page)[1], original) == 0
    page.get_by_label("Strength").fill("100")
    assert difference(saved(page)[1], original) > 50
    before = page.get_by_role("button", name="Show the photo")
    before.press("Enter")
    assert before.get_attribute("aria-pressed") == "true"
    assert page.get_by_role("img").get_attribute("aria-label") == "Your photo"


def test_a_seed_gives_the_scene_that_it_gives_in_python(page: Any) -> None:
    page.get_by_label("Seed").fill("7")
    page.get_by_role("button", name="A scene out of noise").click()
    told = finished(page)
    before = page.get_by_role("button", name="Show the photo")
    playwright.expect(before).to_be_enabled(timeout=SECONDS)  # the scene is painted as well
    before.click()
    expected = np.asarray(next(scenes(DIST / "models" / "landscape.onnx", 1, 7)))
    name, picture = saved(page)
    LOG.info("%s; differs from Python by %d of 255", told, difference(picture, expected))
    assert name.startswith("scene-7")
    assert difference(picture, expected) <= 2


def test_the_camera_takes_a_photo(page: Any) -> None:
    page.get_by_role("button", name="Camera").click()
    page.get_by_role("button", name="Take the photo").click()
    finished(page)
    assert page.get_by_role("img").get_attribute("aria-label").startswith("Your photo, painted")
    assert page.locator("#video").is_hidden()


def test_keys_alone_and_chinese_at_the_width_of_a_phone(page: Any, photo: Path) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    page.get_by_label("Language").select_option("zh")
    page.get_by_label("选择照片").set_input_files(photo)
    finished(page)
    page.get_by_role("radio", name="莫奈").focus()
    page.keyboard.press("ArrowDown")
    assert page.get_by_role("radio", name="梵高").is_checked()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert page.evaluate("document.documentElement.lang") == "zh-CN"
    page.get_by_label("强度").press("ArrowLeft")
    assert page.locator("#amount").inner_text() == "99 %"
    if folder := os.environ.get("SHANSHUI_SCREENSHOTS"):
        finished(page)
        page.screenshot(path=f"{folder}/phone.png", full_page=True)


def test_every_control_has_a_name(page: Any) -> None:
    nameless = page.evaluate(
        """[...document.querySelectorAll("button, input, select, progress, canvas, output")]
           .filter((each) => !each.hidden && !each.labels?.length && !each.ariaLabel && !each.textContent.trim())
           .map((each) => each.outerHTML)"""
    )
    assert nameless == []


def test_other_files_are_told_in_one_sentence(page: Any, tmp_path: Path) -> None:
    (tmp_path / "photo.png").write_bytes(b"no picture")
    (tmp_path / "other.onnx").write_bytes(b"no graph")
    playwright.expect(page.locator("#chips input")).to_have_count(14, timeout=SECONDS)
    page.get_by_label("Choose a photo").set_input_files(tmp_path / "photo.png")
    says(page, "^This file cannot be shown")
    page.get_by_label("Open an .onnx file").set_input_files(tmp_path / "other.onnx")
    says(page, "^This file is no stylizer")
