"""A run's page shows the run, stands alone, takes nothing for markup, and never ends a training."""

import base64
import io
import json
import math
import re
from collections.abc import Mapping
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from shanshui.checkpoints.weights import save_snapshot
from shanshui.commands.run_report import listener, report, write_report
from shanshui.commands.run_report.diary import MOST_MOMENTS
from shanshui.commands.run_report.sheets import LARGE, MOST_SHEETS, STRIP
from shanshui.errors import ConfigError, NonFiniteError
from shanshui.events import NEAREST, Alarmed, Answered, Event, Finished, ImageReady, Metric, Progress, Started, Warned
from shanshui.images.files import write_picture
from shanshui.networks.generators.fastgan import FastGAN, FastGANConfig
from shanshui.training.listeners import journal
from shanshui.training.run import RunFolder

KID = "kid_vgg19_relu5_4_64px_598v500"
HOSTILE = "</script><script>alert(1)</script><img src=x onerror=alert(2)>\"'&amp;</style>\x00\udcff 長"
CONFIG = {"task": "scene", "recipe": "landscape-64", "data": "photos", "learner": {"generator": {"latent_size": 25600}}}
START = Started(task="train", total=1000)


class Page(HTMLParser):
    """What a browser sees of the page of a run."""

    def __init__(self, run: RunFolder) -> None:
        super().__init__()
        self.html = (run.path / "report.html").read_text(encoding="utf-8")
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.words: list[str] = []
        self._within = ""
        self.feed(self.html)
        self.close()
        self.text = " ".join("".join(self.words).split())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._within = tag
        self.tags.append((tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        self._within = ""

    def handle_data(self, data: str) -> None:
        if self._within not in ("script", "style", "title", "desc"):
            self.words.append(data)

    def all(self, tag: str) -> list[dict[str, str]]:
        return [attributes for name, attributes in self.tags if name == tag]


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    return RunFolder.create(tmp_path / "run", CONFIG)


@pytest.fixture(autouse=True)
def any_share_of_the_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a page costs delays no other here: how often it is written is what `pause` says."""
    monkeypatch.setattr(listener, "SHARE_OF_TIME", math.inf)


def progress(done: int, **values: float) -> Progress:
    return Progress(task="train", done=done, values=values or {"logits.real": 0.25, "logits.fake": -0.5})


def sheet(run: RunFolder, done: int, *, side: int = 16) -> ImageReady:
    path = run.path / "samples" / f"{done:010d}.png"
    write_picture(path, np.random.default_rng(done).integers(0, 256, (side, side, 3), dtype=np.uint8))
    return ImageReady(task="train", name="samples", path=path, done=done)


def finished(done: int, reason: str = "complete") -> Finished:
    return Finished(task="train", done=done, reason=reason)


def page(run: RunFolder, *events: Event, config: Mapping[str, Any] = CONFIG, pause: float = 0.0) -> Page:
    """The page after `events`, every one of which may write it; nothing is warned of."""
    warned: list[Event] = []
    with report(run, config, resumed_at=0, warn=warned.append, pause=pause) as hear:
        for event in events:
            hear(event)
        shown = Page(run)
    assert not warned
    return shown


def test_everything_that_a_run_says_is_on_its_page(run: RunFolder) -> None:
    copies = run.path / "samples" / "nearest-0000000200.png"
    write_picture(copies, np.zeros((8, 64, 3), np.uint8))
    torch.manual_seed(0)
    network = FastGAN(FastGANConfig(doublings=1, latent=1, width=1))
    save_snapshot(run.path / "best.safetensors", network, {"images_seen": 100, "scores": {KID: 0.125}})
    save_snapshot(run.checkpoints / "0000000200.safetensors", network, {})
    shown = page(
        run,
        START,
        progress(100, **{"discriminator.hinge": 1.5, "generator.hinge": 0.75, "speed.images_per_second": 20.0}),
        sheet(run, 100),
        Metric(task="train", name=KID, value=0.125, done=100),
        ImageReady(task="train", name=NEAREST, path=copies, done=200),
        Alarmed(task="train", alarm="memorisation", message="It repeats photographs.", done=200, path=copies),
        Answered(task="train", alarm="memorisation", answer="warn", message="It goes on as it is.", done=200),
        Warned(task="train", message="A file is odd."),
    )
    for words in ("Running.", "200 of 1,000 (20%)", "20.0 images/s", "40 s", "best.safetensors",
                  "Kernel distance (KID) 0.125 after 100 images", "checkpoints/0000000200.safetensors",
                  "After 100 images", "Alarm: memorisation. It repeats photographs.", "It goes on as it is.",
                  "Answer to memorisation: warn.", "A file is odd.", "One alarm.", "↓ lower is better", KID,
                  "discriminator.hinge 1.5", "Losses of the two sides", "Nearest training photographs",
                  "learner.generator", "latent_size", "25,600", "landscape-64"):  # fmt: skip
        assert words in shown.text, words
    links = [link["href"] for link in shown.all("a")]
    assert links == [f"#{section['id']}" for section in shown.all("section")]


def test_the_page_needs_nothing_from_elsewhere_and_every_picture_has_words(run: RunFolder) -> None:
    shown = page(run, START, sheet(run, 100), sheet(run, 200), progress(200))
    assert shown.all("img") and all(each["src"].startswith("data:image/jpeg") for each in shown.all("img"))
    assert all("images" in each["alt"] for each in shown.all("img"))
    assert all("src" not in each for each in shown.all("script")) and not shown.all("link")
    assert "http:" not in shown.html and "https:" not in shown.html and "url(" not in shown.html
    assert all(drawing["role"] == "img" for drawing in shown.all("svg") if "aria-hidden" not in drawing)


def test_nothing_is_taken_for_markup(run: RunFolder) -> None:
    harmless = page(run, START, progress(100), Metric(task="train", name="x", value=1.0, done=100))
    shown = page(
        run,
        START,
        progress(100, **{HOSTILE: 1.0}),
        Metric(task="train", name=HOSTILE, value=1.0, done=100),
        Warned(task="train", message=HOSTILE),
        Alarmed(task="train", alarm=HOSTILE, message=HOSTILE, done=100, path=Path(HOSTILE)),
        Answered(task="train", alarm=HOSTILE, answer=HOSTILE, message=HOSTILE, done=100),
        finished(100, HOSTILE),
        config={"data": HOSTILE, HOSTILE: {HOSTILE: [HOSTILE]}},
    )
    assert len(shown.all("script")) == len(harmless.all("script")) == 1
    assert not shown.all("img") and len(shown.all("style")) == 1
    assert shown.text.count("<script>alert(1)</script>") > 8


def test_a_page_loads_itself_again_only_while_a_training_writes_it(run: RunFolder) -> None:
    assert 'http-equiv="refresh"' in page(run, START, progress(10)).html
    ended = page(run, START, progress(10), finished(10))
    assert "refresh" not in ended.html and "Finished: all images seen." in ended.text
    with journal(run) as written:
        written(START)
        written(progress(10))
    write_report(run.path)
    old = Page(run)
    assert "refresh" not in old.html and "Never said that it ended." in old.text


def test_an_error_that_ends_a_training_is_on_its_page(run: RunFolder) -> None:
    with (
        pytest.raises(NonFiniteError),
        report(run, CONFIG, resumed_at=0, warn=lambda event: None) as hear,
    ):
        hear(START)
        hear(progress(10))
        raise NonFiniteError("The loss is not finite.")
    assert "Stopped: The loss is not finite." in Page(run).text
    assert "10 of 1,000" in Page(run).text


def test_a_page_is_not_written_at_every_event_but_when_a_run_begins_and_ends(run: RunFolder) -> None:
    with report(run, CONFIG, resumed_at=0, warn=lambda event: None, pause=3600.0) as hear:
        hear(START)
        assert "0 of 1,000" in Page(run).text
        hear(progress(500))
        assert "0 of 1,000" in Page(run).text
        hear(finished(700))
    assert "700 of 1,000" in Page(run).text


def test_a_resumed_run_goes_on_with_its_story_and_its_curves_never_run_backwards(run: RunFolder) -> None:
    with journal(run) as written:
        written(START)
        written(progress(100, loss=1.0))
        written(sheet(run, 100))
        written(progress(200, loss=2.0))
        written(sheet(run, 200))
    with report(run, CONFIG, resumed_at=100, warn=lambda event: None, pause=0.0) as hear:
        hear(START)
        assert "100: 1</desc>" in Page(run).html and "After 100 images" in Page(run).text
        assert "After 200 images" not in Page(run).text
        hear(progress(150, loss=3.0))
    assert "100: 1, 150: 3</desc>" in Page(run).html


def test_a_long_run_has_a_small_page(run: RunFolder) -> None:
    events: list[Event] = [START]
    for done in range(10, 4000, 10):
        events += [progress(done, loss=1.0 / done), Warned(task="train", message=f"warning {done}.")]
    events += [sheet(run, done, side=STRIP + 1) for done in range(4000, 4040)]
    alarm = Alarmed(task="train", alarm="stalled", message="Nothing moves.", done=5)
    shown = page(run, events[0], alarm, *events[1:], finished(4040), pause=3600.0)
    strips = [each for each in shown.all("img") if each["width"] == str(STRIP)]
    assert 6 < len(strips) <= MOST_SHEETS and len(shown.all("img")) == len(strips) + 1
    assert len(shown.all("li")) == MOST_MOMENTS and "earlier lines" in shown.text
    assert "Nothing moves." in shown.text, "an alarm is not crowded out by warnings"
    points = re.findall(r'polyline points="([^"]*)"', shown.html)
    assert max(len(line.split()) for line in points) == 120


def test_the_newest_sheet_is_large_and_shows_the_pixels(run: RunFolder) -> None:
    path = run.path / "samples" / "0000000010.png"
    write_picture(path, np.full((1500, 3000, 3), 77, np.uint8))
    shown = page(run, START, ImageReady(task="train", name="samples", path=path, done=10))
    address = shown.all("img")[0]["src"].partition(",")[2]
    pixels = np.asarray(Image.open(io.BytesIO(base64.b64decode(address))))
    assert pixels.shape == (LARGE // 2, LARGE, 3) and np.abs(pixels.astype(int) - 77).max() <= 2


def test_a_sheet_written_again_is_shown_anew(run: RunFolder) -> None:
    with report(run, CONFIG, resumed_at=0, warn=lambda event: None, pause=0.0) as hear:
        hear(START)
        hear(sheet(run, 10))
        before = Page(run).all("img")[0]["src"]
        write_picture(run.path / "samples" / "0000000010.png", np.zeros((20, 20, 3), np.uint8))
        hear(progress(10))
        assert Page(run).all("img")[0]["src"] != before


def test_what_is_missing_or_broken_is_said_and_stops_nothing(run: RunFolder) -> None:
    with journal(run) as written:
        written(START)
        written(sheet(run, 10))
        written(sheet(run, 20))
        written(sheet(run, 30))
    with run.events.open("a") as log:
        log.write('{"event": "Progress", "ti\n')
    (run.path / "samples" / "0000000010.png").unlink()
    (run.path / "samples" / "0000000030.png").write_bytes(b"torn")
    write_report(run.path)
    shown = Page(run)
    assert "Lines of events.jsonl that could not be read: 1" in shown.text
    assert "0000000030.png is missing or damaged." in shown.text
    assert [each["max"] for each in shown.all("input")] == ["1"], "the slider goes over what is there"


def test_a_moved_run_still_has_its_pictures(run: RunFolder, tmp_path: Path) -> None:
    with journal(run) as written:
        written(START)
        written(sheet(run, 10))
    moved = run.path.rename(tmp_path / "elsewhere")
    assert write_report(moved) == moved / "report.html"
    assert Page(RunFolder(moved)).all("img")


def test_a_page_that_cannot_be_written_is_said_once_and_stops_nothing(run: RunFolder) -> None:
    (run.path / "report.html").mkdir()
    warned: list[Event] = []
    with report(run, CONFIG, resumed_at=0, warn=warned.append, pause=0.0) as hear:
        hear(START)
        hear(progress(10))
        (run.path / "report.html").rmdir()
        hear(finished(20))
    assert len(warned) == 1 and isinstance(warned[0], Warned) and "report.html" in warned[0].message
    assert "20 of 1,000" in Page(run).text


def broken(*_: object, **__: object) -> str:
    raise ZeroDivisionError("a bug")


def test_a_bug_in_the_page_is_said_at_once_and_raised_when_the_training_is_over(
    run: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listener, "render", broken)
    warned: list[Event] = []
    trained = 0
    with pytest.raises(ZeroDivisionError), report(run, CONFIG, resumed_at=0, warn=warned.append, pause=0.0) as hear:
        hear(START)
        assert len(warned) == 1 and isinstance(warned[0], Warned) and "ZeroDivisionError" in warned[0].message
        for trained in (10, 20, 30):
            hear(progress(trained))
    assert trained == 30 and len(warned) == 1


def test_a_bug_in_the_page_does_not_hide_what_ended_the_training(
    run: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listener, "render", broken)
    with (
        pytest.raises(NonFiniteError),
        report(run, CONFIG, resumed_at=0, warn=lambda event: None, pause=0.0) as hear,
    ):
        hear(START)
        raise NonFiniteError("The loss is not finite.")


def test_a_page_of_no_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no run"):
        write_report(tmp_path)
    (tmp_path / "config.json").write_text(json.dumps([1]))
    with pytest.raises(ConfigError, match="no run"):
        write_report(tmp_path)
