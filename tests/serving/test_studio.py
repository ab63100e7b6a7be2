"""The page, driven in a real browser: real files, real results, and no other host is ever asked."""

import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from shanshui.images.files import read_picture
from shanshui.pipelines.compose import SceneComposer
from shanshui.pipelines.generate import SceneGenerator
from shanshui.pipelines.stylize import Stylizer
from shanshui.pipelines.treatment import Region

pytest.importorskip("gradio", reason="the page needs Gradio")
playwright = pytest.importorskip("playwright.sync_api", reason="browsers are driven by Playwright")

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium: apt-get install chromium"),
    pytest.mark.timeout(400),
]
PATIENCE = 120_000


@pytest.fixture(scope="module")
def address(models: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Of a studio with tiny models."""
    folder = tmp_path_factory.mktemp("studio")
    log = folder / "log"
    command = [sys.executable, "-m", "shanshui", "studio", "--port", "0", "--folder", str(folder / "studio")]
    with log.open("wb") as file:
        process = subprocess.Popen([*command, "--models", str(models)], stderr=file, stdout=file)
    while ";" not in log.read_text():
        assert process.poll() is None, log.read_text()
        time.sleep(0.1)
    yield log.read_text().partition("Listening on ")[2].partition(";")[0]
    process.terminate()
    assert process.wait(60) == 0


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with playwright.sync_playwright() as driver:
        chromium = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        yield chromium
        chromium.close()


class Visit:
    """An open page."""

    def __init__(self, browser: Any, address: str, query: str = "", **context: Any) -> None:
        self.context = browser.new_context(**context)
        self.context.set_default_timeout(PATIENCE)
        self.page = self.context.new_page()
        self.elsewhere: list[str] = []
        self.page.on("request", self._note)
        self._address = address
        with self.page.expect_response(lambda response: "/run/predict" in response.url):  # the page is alive
            self.page.goto(f"{address}/{query}")
        self.page.wait_for_selector("#paint", state="attached")
        self.page.wait_for_timeout(500)

    def _note(self, request: Any) -> None:
        if not request.url.startswith((self._address, "data:", "blob:")):
            self.elsewhere.append(request.url)

    def upload(self, file: Path) -> None:
        """Choose a photo, and wait for the styles on it."""
        self.page.set_input_files("input[type=file] >> nth=0", file)
        self.page.wait_for_function("document.querySelectorAll('#styles img').length >= 2")

    def choose(self, tab: str, file: Path) -> None:
        """Open a tab and choose a photo for it."""
        self.page.click(f"role=tab[name='{tab[0].upper()}{tab[1:]}']")
        self.page.set_input_files(f"#{tab}-photo input[type=file]", file)
        self.page.wait_for_selector(f"#{tab}-photo img")

    def brush(self, place: str) -> None:
        """Draw a line across the middle of the photo."""
        canvas = self.page.locator(f"#{place} canvas").first
        canvas.wait_for()
        canvas.scroll_into_view_if_needed()
        self.page.wait_for_timeout(2000)
        box = canvas.bounding_box()
        middle = box["y"] + box["height"] / 2
        self.page.mouse.move(box["x"] + 0.4 * box["width"], middle)
        self.page.mouse.down()
        self.page.mouse.move(box["x"] + 0.6 * box["width"], middle, steps=8)
        self.page.mouse.up()
        self.page.wait_for_timeout(2000)

    def pick(self, control: str, choice: str) -> None:
        """Choose from a list."""
        self.page.click(f"#{control} input")
        self.page.click(f"#{control} [role=option]:has-text('{choice}')")

    def told(self, place: str, words: str) -> str:
        """What a state says, once it says one of these words."""
        box = f"#{place} textarea, #{place} input"
        self.page.wait_for_function(
            f"new RegExp('{words}').test(document.querySelector('#{place} :is(textarea, input)').value)"
        )
        value: str = self.page.input_value(box)
        return value

    def downloaded(self, tab: str = "stylise") -> bytes:
        """What the button gives."""
        with self.page.expect_download() as download:
            self.page.click(f"#{tab}-download")
        return Path(download.value.path()).read_bytes()


@pytest.fixture
def visit(browser: Any, address: str) -> Iterator[Callable[..., Visit]]:
    visits: list[Visit] = []

    def go(query: str = "", **context: Any) -> Visit:
        visits.append(Visit(browser, address, query, **context))
        return visits[-1]

    yield go
    for each in visits:
        assert each.elsewhere == []
        each.context.close()


@pytest.fixture
def photo(picture: Callable[..., bytes], tmp_path: Path) -> Path:
    path = tmp_path / "photo.png"
    path.write_bytes(picture(1, 160, 120))
    return path


def test_a_photo_is_painted_as_in_python(visit: Callable[..., Visit], photo: Path, models: Path) -> None:
    """The address sets the style and the strength; the painting can be taken home; a later one joins the history."""
    studio = visit("?style=monet&strength=0.5")
    studio.upload(photo)
    studio.page.click("#paint")
    studio.told("paint-status", "Done")
    expected = Stylizer.from_pretrained(models / "painter.safetensors")(photo, "monet", 0.5)
    np.testing.assert_array_equal(read_picture(studio.downloaded()).pixels, np.asarray(expected))
    assert "style=monet&strength=0.5" in studio.page.input_value("#stylise-address :is(textarea, input)")
    slider = studio.page.locator("#stylise-result")
    slider.scroll_into_view_if_needed()
    box, before = slider.bounding_box(), slider.inner_html()
    middle = box["y"] + box["height"] / 2
    studio.page.mouse.move(box["x"] + box["width"] / 2, middle)
    studio.page.mouse.down()
    studio.page.mouse.move(box["x"] + box["width"] / 4, middle, steps=5)
    studio.page.mouse.up()
    assert slider.inner_html() != before, "the line between before and after moves"
    studio.page.click("#styles button:has(img) >> nth=0")
    studio.page.wait_for_function("document.querySelector('#stylise-style input').value === 'ink'")
    studio.page.click("#paint")
    studio.page.wait_for_function("document.querySelectorAll('#stylise-history img').length === 2")
    assert studio.page.evaluate("[...document.querySelectorAll('img')].filter(one => !one.alt).length") == 0


def test_only_what_was_brushed_is_painted(visit: Callable[..., Visit], photo: Path) -> None:
    studio = visit()
    studio.upload(photo)
    studio.page.click("#stylise-where button >> nth=0")
    studio.brush("stylise-mask")
    studio.page.click("#paint")
    studio.told("paint-status", "Done")
    changed = (read_picture(studio.downloaded()).pixels != read_picture(photo).pixels).any(axis=2)
    assert 0 < changed.mean() < 0.8 and not changed[:4].any() and not changed[-4:].any()


def test_a_bad_file_is_refused_in_a_sentence(visit: Callable[..., Visit], tmp_path: Path) -> None:
    bad = tmp_path / "bad.png"
    bad.write_bytes(b"no picture at all")
    studio = visit()
    studio.page.set_input_files("input[type=file] >> nth=0", bad)
    studio.page.wait_for_timeout(1000)
    studio.page.click("#paint")
    assert studio.told("paint-status", "picture|photo")


def test_scenes_are_made_and_sent_to_be_painted(visit: Callable[..., Visit], models: Path, tmp_path: Path) -> None:
    studio = visit(locale="zh-CN", viewport={"width": 390, "height": 844})
    studio.page.click("role=tab[name='生成']")
    studio.page.click("#make")
    assert studio.told("make-status", "完成")
    studio.page.wait_for_function("document.querySelectorAll('#scenes img').length === 4")
    studio.page.click("#scenes button:has(img) >> nth=1")
    studio.page.click("#send:not([disabled])")
    studio.page.wait_for_function("document.querySelectorAll('#styles img').length >= 2")
    studio.page.fill("#stylise-strength input[type=number]", "0")
    studio.page.click("#paint")
    studio.told("paint-status", "完成")
    scenes = list(SceneGenerator.from_pretrained(models / "landscape.safetensors").generate(4, 7))
    np.testing.assert_array_equal(read_picture(studio.downloaded()).pixels, np.asarray(scenes[1]))


def test_parts_have_styles_of_their_own(visit: Callable[..., Visit], photo: Path, models: Path) -> None:
    studio = visit("?style=monet")
    studio.upload(photo)
    studio.page.click("#stylise-zones button >> nth=0")
    studio.pick("stylise-sky", "ink")
    studio.pick("stylise-rock", "as the photo is")
    studio.page.click("#paint")
    studio.told("paint-status", "Done")
    regions = [Region(where="sky", style={"ink": 1.0}), Region(where="rock", style={"monet": 1.0}, strength=0.0)]
    expected = Stylizer.from_pretrained(models / "painter.safetensors")(photo, "monet", regions=regions)
    np.testing.assert_array_equal(read_picture(studio.downloaded()).pixels, np.asarray(expected))


def test_several_photos_are_painted(visit: Callable[..., Visit], picture: Callable[..., bytes], tmp_path: Path) -> None:
    paths = [tmp_path / f"{number}.png" for number in range(3)]
    for number, path in enumerate(paths):
        path.write_bytes(picture(number, 40, 30))
    studio = visit()
    studio.page.click("#several button >> nth=0")
    with studio.page.expect_response(lambda response: "/gradio_api/upload?" in response.url):
        studio.page.set_input_files("#more input[type=file]", paths)
    studio.page.wait_for_timeout(1000)
    studio.page.click("#paint")
    studio.page.wait_for_function("document.querySelectorAll('#stylise-history img').length === 3")


def test_photos_and_noise_are_composed(visit: Callable[..., Visit], photo: Path, models: Path) -> None:
    composer = SceneComposer.from_pretrained(models / "composer.safetensors")
    studio = visit("?tab=compose&naturalness=0.75&style=ink")
    studio.page.click("#make-compose")
    studio.told("make-compose-status", "Done")
    scene = next(SceneGenerator.from_pretrained(models / "landscape.safetensors").generate(1, 7))
    expected = composer.at(0.75, seed=7)(scene, "ink")
    np.testing.assert_array_equal(read_picture(studio.downloaded("compose")).pixels, np.asarray(expected))
    studio.choose("compose", photo)
    studio.page.click("#make-compose")
    studio.page.wait_for_function("document.querySelectorAll('#compose-history img').length === 2")
    expected = composer.at(0.75, seed=7)(photo, "ink")
    np.testing.assert_array_equal(read_picture(studio.downloaded("compose")).pixels, np.asarray(expected))
    assert "tab=compose&naturalness=0.75" in studio.page.input_value("#compose-address :is(textarea, input)")


def test_holes_are_filled_and_photos_extended(visit: Callable[..., Visit], photo: Path, models: Path) -> None:
    studio = visit("?tab=inpaint&left=24")
    with studio.page.expect_response(lambda response: response.url.endswith("/gradio_api/upload")):  # by the editor
        studio.page.set_input_files("#inpaint-photo input[type=file]", photo)
    studio.brush("inpaint-mask")
    studio.page.click("#fill")
    studio.told("fill-status", "Done")
    before, after = read_picture(photo).pixels, read_picture(studio.downloaded("inpaint")).pixels
    assert after.shape == (before.shape[0], before.shape[1] + 24, 3)
    changed = (after[:, 24:] != before).any(axis=2)
    assert 0 < changed.mean() < 0.8 and not changed[:4].any() and not changed[-4:].any()


def test_a_training_is_started_watched_stopped_and_resumed(
    visit: Callable[..., Visit], picture: Callable[..., bytes], tmp_path: Path
) -> None:
    photos, run = tmp_path / "photos", tmp_path / "run"
    photos.mkdir()
    for number in range(8):
        (photos / f"{number}.png").write_bytes(picture(number, 64, 64))
    studio = visit()
    studio.page.click("role=tab[name='Train']")
    studio.page.click("#start")
    assert studio.told("training-status", "Name both")
    studio.pick("recipe", "dcgan-64")
    studio.page.fill("#data :is(textarea, input)", str(photos))
    studio.page.fill("#run :is(textarea, input)", str(run))
    studio.page.click("#start")
    studio.told("said", "train: ")
    studio.page.click("#resume")
    assert "under way" in studio.told("training-status", "under way")
    studio.page.click("#stop")
    studio.told("training-status", "ended and is saved")
    seen = max(int(path.stem) for path in (run / "checkpoints").glob("*.state"))
    studio.page.wait_for_selector("#training-page iframe")
    frame = studio.page.frame_locator("#training-page iframe")
    frame.locator("text=dcgan-64").first.wait_for()
    studio.page.fill("#images input", str(seen + 64))
    studio.page.click("#resume")
    studio.told("said", f"{seen + 64:,} images seen")
    studio.told("training-status", "ended and is saved")
    assert max(int(path.stem) for path in (run / "checkpoints").glob("*.state")) == seen + 64
    studio.page.fill("#data :is(textarea, input)", str(tmp_path / "nothing"))
    studio.page.click("#start")
    studio.told("training-status", "did not work")
    assert studio.told("said", "nothing")


def test_scenes_are_changed_by_name_and_travelled_between(visit: Callable[..., Visit], models: Path) -> None:
    studio = visit("?tab=generate&seed=3&count=2")
    studio.page.click("#controls button >> nth=0")
    studio.page.fill("#brighter input[type=number]", "1.5")
    studio.page.click("#make")
    studio.told("make-status", "Done")
    studio.page.wait_for_function("document.querySelectorAll('#scenes img').length === 2")
    studio.page.fill("#brighter input[type=number]", "0")
    studio.page.click("#way button >> nth=0")
    studio.page.click("#goes input")
    studio.page.click("#make")
    studio.page.wait_for_selector("#scenes img[alt='3-8:1']")
    studio.page.fill("#width input", "640")
    studio.page.click("#make")
    assert studio.told("make-status", "own size")


def test_a_job_is_given_up(visit: Callable[..., Visit]) -> None:
    studio = visit()
    studio.page.click("role=tab[name='Generate']")
    studio.page.fill("#width input", "16384")
    studio.page.click("#make")
    studio.told("make-status", "Working")
    studio.page.click("#cancel-make")
    assert studio.told("make-status", "Cancelled|Done") == "Cancelled."


def test_cards(visit: Callable[..., Visit]) -> None:
    studio = visit()
    studio.page.click("role=tab[name='Models']")
    studio.page.click("text=painter (stylizer)")
    studio.page.wait_for_selector("text=Licence: none")


def test_every_control_has_a_name_and_is_reached_by_keyboard(visit: Callable[..., Visit]) -> None:
    studio = visit()
    nameless = studio.page.evaluate(
        """[...document.querySelectorAll('button, input:not([type=file]), textarea, select, [role=slider]')]
           .filter(one => one.offsetParent && !(one.innerText || one.ariaLabel || one.title ||
             (one.labels && [...one.labels].some(label => label.innerText)) || one.getAttribute('aria-labelledby')))
           .map(one => one.outerHTML.slice(0, 200))"""
    )
    assert nameless == []
    studio.page.focus("role=tab[name='Stylise']")
    reached = set()
    for _ in range(40):
        studio.page.keyboard.press("Tab")
        reached.add(studio.page.evaluate("document.activeElement.id || document.activeElement.tagName"))
    assert {"paint", "cancel-paint"} <= reached
