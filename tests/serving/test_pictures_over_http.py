"""What comes over HTTP is what the pipelines make in Python, pixel by pixel."""

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from shanshui.images.credentials import credentials_in
from shanshui.images.files import read_picture
from shanshui.images.picture import Picture
from shanshui.pipelines.compose import SceneComposer
from shanshui.pipelines.generate import SceneGenerator
from shanshui.pipelines.inpaint import SceneInpainter
from shanshui.pipelines.stylize import Stylizer
from shanshui.pipelines.treatment import Region, Treatment


def pixels(content: bytes) -> NDArray[Any]:
    return read_picture(content).pixels


@pytest.fixture
def photo(picture: Callable[..., bytes]) -> bytes:
    content: bytes = picture(1)
    return content


def test_a_blend_under_all_controls(server: Any, models: Path, photo: bytes, mask: bytes) -> None:
    fields = {
        "style": ["ink:0.6", "monet:0.4"],
        "region": ["sky=monet:0.5"],
        "strength": "0.8",
        "colors": "luminance",
        "stroke_scale": "1.5",
        "flat_skies": "false",
        "wrap": "x",
    }
    job = server.order("/v1/stylize", files={"photo": photo, "mask": mask}, data=fields)
    treatment = Treatment(
        strength=0.8,
        colors="luminance",
        stroke_scale=1.5,
        flat_skies=False,
        wrap="x",
        mask=read_picture(mask),
        regions=[Region(where="sky", style="monet", strength=0.5)],
    )
    stylizer = Stylizer.from_pretrained(models / "painter.safetensors")
    expected = stylizer.paint(read_picture(photo), {"ink": 0.6, "monet": 0.4}, treatment)
    (content,) = server.pictures(job)
    np.testing.assert_array_equal(pixels(content), expected.pixels)
    made = credentials_in(read_picture(content).metadata)
    assert made is not None
    assert made["model"] == "painter" and made["licence"] == "none" and made["settings"]["strength"] == 0.8


def test_after_an_uploaded_painting(server: Any, models: Path, photo: bytes, picture: Callable[..., bytes]) -> None:
    painting = picture(2, 40, 40)
    job = server.order("/v1/stylize", files={"photo": photo, "painting": painting})
    stylizer = Stylizer.from_pretrained(models / "painter-any.safetensors")
    expected = stylizer.paint(read_picture(photo), read_picture(painting))
    assert job["model"] == "painter-any"
    np.testing.assert_array_equal(pixels(server.pictures(job)[0]), expected.pixels)


def test_a_blend_of_two_paintings(server: Any, models: Path, photo: bytes, picture: Callable[..., bytes]) -> None:
    first, second = picture(2, 40, 40), picture(3, 50, 30)
    files = [("photo", photo), ("painting", first), ("painting", second)]
    job = server.order("/v1/stylize", files=files, data={"style": ["painting-1:3", "painting-2:1"]})
    stylizer = Stylizer.from_pretrained(models / "painter-any.safetensors")
    expected = stylizer.paint(read_picture(photo), [(read_picture(first), 3), (read_picture(second), 1)])
    np.testing.assert_array_equal(pixels(server.pictures(job)[0]), expected.pixels)


@pytest.mark.parametrize("form", ["jpg", "webp", "avif", "tif"])
def test_formats(form: str, server: Any, photo: bytes) -> None:
    job = server.order("/v1/stylize", files={"photo": photo}, data={"style": "ink", "format": form})
    (content,) = server.pictures(job)
    names = {"jpg": "JPEG", "webp": "WEBP", "avif": "AVIF", "tif": "TIFF"}
    with Image.open(io.BytesIO(content)) as image:
        assert image.format == names[form] and image.size == (60, 44)


def test_sixteen_bits_stay(server: Any) -> None:
    stream = io.BytesIO()
    deep = np.random.default_rng(0).integers(0, 65535, (40, 40), dtype=np.uint16)
    Image.fromarray(deep).save(stream, "PNG")
    job = server.order("/v1/stylize", files={"photo": stream.getvalue()}, data={"style": "ink", "strength": "0"})
    np.testing.assert_array_equal(pixels(server.pictures(job)[0])[:, :, 0], deep)


def test_scenes(server: Any, models: Path) -> None:
    job = server.order("/v1/generate", json={"count": 3, "seed": 4, "truncation": 0.7})
    expected = SceneGenerator.from_pretrained(models / "landscape.safetensors").generate(3, 4, truncation=0.7)
    for content, scene in zip(server.pictures(job), expected, strict=True):
        np.testing.assert_array_equal(pixels(content), np.asarray(scene))


def test_a_panorama(server: Any, models: Path) -> None:
    job = server.order("/v1/generate", json={"seed": 4, "width": 128, "wrap": True})
    expected = SceneGenerator.from_pretrained(models / "landscape.safetensors").panoramas(1, 4, size=(32, 128))
    np.testing.assert_array_equal(pixels(server.pictures(job)[0]), np.asarray(next(expected)))


def test_composed(server: Any, models: Path, photo: bytes) -> None:
    composer = SceneComposer.from_pretrained(models / "composer.safetensors")
    fields = {"style": "ink", "naturalness": "0.7", "seed": "3"}
    job = server.order("/v1/compose", files={"photo": photo}, data=fields)
    expected: Picture = composer.at(0.7, seed=3).paint(read_picture(photo), "ink")
    np.testing.assert_array_equal(pixels(server.pictures(job)[0]), expected.pixels)


def test_composed_out_of_noise(server: Any, models: Path) -> None:
    composer = SceneComposer.from_pretrained(models / "composer.safetensors")
    generator = SceneGenerator.from_pretrained(models / "landscape.safetensors")
    job = server.order("/v1/compose", data={"style": "ink", "naturalness": "0.7", "seed": "3"})
    (expected,) = composer.scenes(generator, "ink", 0.7, seed=3)
    np.testing.assert_array_equal(pixels(server.pictures(job)[0]), expected.pixels)


def test_filled_and_extended(server: Any, models: Path, photo: bytes, mask: bytes) -> None:
    inpainter = SceneInpainter.from_pretrained(models / "inpainter.safetensors")
    job = server.order("/v1/inpaint", files={"photo": photo, "mask": mask}, data={"seed": "2", "right": "9"})
    filled = inpainter.inpaint(read_picture(photo), read_picture(mask), seed=2)
    expected = inpainter.expand(filled, right=9, seed=2)
    np.testing.assert_array_equal(pixels(server.pictures(job)[0]), expected.pixels)


def test_events_lead_from_the_queue_to_the_end(server: Any) -> None:
    job = server.order("/v1/generate", json={"count": 2})
    with server.client.stream("GET", f"/v1/jobs/{job['id']}/events") as stream:
        assert stream.headers["content-type"].startswith("text/event-stream")
        told = [json.loads(line.removeprefix("data: ")) for line in stream.iter_lines() if line.startswith("data: ")]
    assert told[-1]["state"] == "done" and len(told[-1]["results"]) == 2
    order = ["waiting", "running", "done"]
    assert [order.index(now["state"]) for now in told] == sorted(order.index(now["state"]) for now in told)
    assert [now["done"] for now in told] == sorted(now["done"] for now in told)


def test_a_forgotten_job_is_gone(server: Any) -> None:
    job = server.order("/v1/generate", json={})
    (result,) = server.until(job)["results"]
    assert server.client.delete(f"/v1/jobs/{job['id']}").status_code == 204
    assert server.client.get(result["url"]).status_code == 404
    assert server.client.get(f"/v1/jobs/{job['id']}").status_code == 404


def test_models_tell_their_styles_and_nothing_of_this_machine(server: Any, models: Path) -> None:
    answer = server.client.get("/v1/models")
    told = {model["name"]: model for model in answer.json()["models"]}
    assert told["painter"]["styles"] == ["ink", "monet"] and told["painter"]["role"] == "stylizer"
    assert told["painter-any"]["takes_paintings"]
    assert "no-model" not in told and str(models) not in answer.text


def test_figures_for_prometheus(server: Any) -> None:
    server.pictures(server.order("/v1/generate", json={}))
    text = server.client.get("/metrics").text
    for line in (
        'shanshui_jobs_total{kind="generate",state="done"}',
        "shanshui_waiting_jobs",
        "process_resident_memory",
    ):
        assert line in text
    assert 'path="/v1/jobs/{job_id}"' in text
