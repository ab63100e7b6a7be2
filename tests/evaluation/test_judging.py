"""From images to figures: extraction, the cache of reference features, and the judge, on a small frozen extractor."""

from collections.abc import Iterator
from itertools import chain
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from shanshui.errors import ConfigError, DataError, ImageError, NonFiniteError
from shanshui.evaluation import (
    FeatureSet,
    Judge,
    default_cache_folder,
    evaluate,
    extract,
    reference_features,
    streams,
    together,
)
from shanshui.evaluation.features import Image
from shanshui.events import Event, Warned
from shanshui.images.resize import fit_crop

SIDE = 16
KID = "kid_vgg19_relu5_4"
NAMES = ("vgg19_relu4_4", "vgg19_relu5_4")


class SmallExtractor(nn.Module):
    """Random convolutions under the names of a known encoder; its batch norm would betray training mode."""

    def __init__(self, seed: int = 0) -> None:
        super().__init__()
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            self.first = nn.Sequential(nn.Conv2d(3, 8, 3, 2, 1), nn.BatchNorm2d(8), nn.ReLU())
            self.second = nn.Sequential(nn.Conv2d(8, 12, 3, 2, 1), nn.ReLU())
        self.images_seen = 0
        self.largest_batch = 0

    def forward(self, images: Tensor) -> dict[str, Tensor]:
        self.images_seen += len(images)
        self.largest_batch = max(self.largest_batch, len(images))
        low = self.first(images)
        return {"vgg19_relu4_4": low.mean((2, 3)), "vgg19_relu5_4": self.second(low).mean((2, 3))}


def scenes(seed: int, count: int, *, height: int = SIDE, width: int = SIDE) -> list[Image]:
    """Smooth random pictures, HWC uint8."""
    random = np.random.default_rng(seed)
    ramps = np.linspace(0, 1, height)[:, None, None] * random.uniform(0, 1, (count, 1, 1, 3))
    return list((200 * ramps + random.uniform(0, 55, (count, height, width, 3))).astype(np.uint8))


def values(features: dict[str, FeatureSet]) -> np.ndarray:
    return np.concatenate([features[name].values for name in NAMES], axis=1)


# Extraction


@pytest.mark.parametrize("batch_size", [1, 3, 64])
def test_features_do_not_depend_on_the_batch_size(batch_size: int) -> None:
    images = scenes(0, 10)
    expected = values(extract(images, SmallExtractor(), height=SIDE, width=SIDE, batch_size=7))
    found = values(extract(images, SmallExtractor(), height=SIDE, width=SIDE, batch_size=batch_size))
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


def test_features_keep_the_order_of_the_images() -> None:
    images = scenes(0, 6)
    there = values(extract(images, SmallExtractor(), height=SIDE, width=SIDE, batch_size=4))
    back = values(extract(images[::-1], SmallExtractor(), height=SIDE, width=SIDE, batch_size=4))
    np.testing.assert_allclose(back[::-1], there, rtol=1e-5, atol=1e-6)


def test_images_are_taken_a_few_batches_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "MOST_STREAMS", 1)
    extractor = SmallExtractor()
    taken: list[int] = []

    def lazily() -> Iterator[Image]:
        for image in scenes(0, 19):
            taken.append(len(taken) - extractor.images_seen)
            yield image

    extract(lazily(), extractor, height=SIDE, width=SIDE, batch_size=2)
    assert extractor.largest_batch == 2
    assert max(taken) < 3 * 2  # one batch in work, one waiting, one being filled


def test_both_sides_are_brought_to_one_size_before_the_network() -> None:
    wide = scenes(0, 4, height=40, width=64)
    resized = [fit_crop(image, 24, 16).astype(np.uint8) for image in wide]
    np.testing.assert_array_equal(
        values(extract(wide, SmallExtractor(), height=24, width=16)),
        values(extract(resized, SmallExtractor(), height=24, width=16)),
    )


def test_a_stripe_pattern_is_averaged_and_not_aliased() -> None:
    """Every second column white: antialiased to an eighth it is grey, whereas picking columns gives black or white."""
    stripes = np.zeros((128, 128, 3), np.uint8)
    stripes[:, ::2] = 255

    def mean(images: Tensor) -> dict[str, Tensor]:
        return {"pixels_mean": images.flatten(1)}

    (features,) = extract([stripes], mean, height=16, width=16).values()
    assert np.abs(features.values).max() < 0.1


def test_extraction_is_full_precision_and_in_evaluation_mode() -> None:
    images = scenes(0, 8)
    expected = values(extract(images, SmallExtractor().eval(), height=SIDE, width=SIDE))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        found = values(extract(images, SmallExtractor().train(), height=SIDE, width=SIDE))
    np.testing.assert_array_equal(found, expected)
    assert found.dtype == np.float32


def test_extractors_work_together() -> None:
    def mean(images: Tensor) -> dict[str, Tensor]:
        return {"pixels_mean": images.mean((2, 3))}

    features = extract(scenes(0, 5), together(SmallExtractor(), mean), height=SIDE, width=SIDE)
    assert features.keys() == {*NAMES, "pixels_mean"}
    assert all(len(each) == 5 for each in features.values())


def test_what_cannot_be_measured_is_one_sentence() -> None:
    extractor = SmallExtractor()
    with pytest.raises(DataError, match="no images"):
        extract([], extractor, height=SIDE, width=SIDE)
    with pytest.raises(ImageError, match="HWC RGB uint8"):
        extract([np.zeros((SIDE, SIDE), np.uint8)], extractor, height=SIDE, width=SIDE)
    with pytest.raises(ImageError, match="float64"):
        extract([np.zeros((SIDE, SIDE, 3))], extractor, height=SIDE, width=SIDE)  # type: ignore[list-item]
    with pytest.raises(NonFiniteError, match="broken"):
        extract(scenes(0, 1), lambda x: {"broken": x.mean((2, 3)) * torch.nan}, height=SIDE, width=SIDE)


# The cache of reference features


def cached_reference(
    cache: Path, extractor: SmallExtractor, *, digest: str = "abc", count: int | None = None
) -> dict[str, FeatureSet]:
    return reference_features(
        iter(scenes(0, 10)), extractor, NAMES, height=SIDE, width=SIDE, digest=digest, count=count, cache=cache
    )


def test_a_hit_equals_recomputation_and_extracts_one_image(tmp_path: Path) -> None:
    first = cached_reference(tmp_path, SmallExtractor())
    extractor = SmallExtractor()
    second = cached_reference(tmp_path, extractor)
    np.testing.assert_array_equal(values(second), values(first))
    assert extractor.images_seen == 1


def test_other_data_count_or_size_is_no_hit(tmp_path: Path) -> None:
    cached_reference(tmp_path, SmallExtractor())
    for digest, count in (("xyz", None), ("abc", 10)):
        extractor = SmallExtractor()
        cached_reference(tmp_path, extractor, digest=digest, count=count)
        assert extractor.images_seen == 10
    extractor = SmallExtractor()
    reference_features(scenes(0, 10), extractor, NAMES, height=8, width=SIDE, digest="abc", cache=tmp_path)
    assert extractor.images_seen == 10


def test_another_encoder_never_meets_old_features(tmp_path: Path) -> None:
    cached_reference(tmp_path, SmallExtractor(seed=0))
    extractor = SmallExtractor(seed=1)
    found = cached_reference(tmp_path, extractor)
    assert extractor.images_seen == 11
    np.testing.assert_array_equal(
        values(found), values(extract(scenes(0, 10), SmallExtractor(seed=1), height=SIDE, width=SIDE))
    )


@pytest.mark.parametrize("damage", ["truncated", "empty", "foreign", "one bit", "a folder in its place"])
def test_a_damaged_cache_is_recomputed_without_a_word(tmp_path: Path, damage: str) -> None:
    expected = values(cached_reference(tmp_path, SmallExtractor()))
    for path in (tmp_path / "features").iterdir():
        content = bytearray(path.read_bytes())
        path.unlink()
        match damage:
            case "truncated":
                path.write_bytes(content[: len(content) // 2])
            case "empty":
                path.touch()
            case "foreign":
                path.write_bytes(b"\x80\x04N.")
            case "one bit":
                content[-2] ^= 4
                path.write_bytes(content)
            case _:
                path.mkdir()
    extractor = SmallExtractor()
    np.testing.assert_array_equal(values(cached_reference(tmp_path, extractor)), expected)
    assert extractor.images_seen == 10
    if damage != "a folder in its place":
        extractor = SmallExtractor()
        cached_reference(tmp_path, extractor)
        assert extractor.images_seen == 1


def test_a_cache_that_cannot_be_written_warns_and_goes_on(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_bytes(b"")
    heard: list[Event] = []
    features = reference_features(
        scenes(0, 4), SmallExtractor(), NAMES, height=SIDE, width=SIDE, digest="a", cache=blocked, emit=heard.append
    )
    assert len(features["vgg19_relu5_4"]) == 4
    assert heard and all(isinstance(event, Warned) for event in heard)


def test_without_a_digest_nothing_is_kept(tmp_path: Path) -> None:
    reference_features(scenes(0, 4), SmallExtractor(), NAMES, height=SIDE, width=SIDE, cache=tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_the_cache_folder_follows_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHANSHUI_CACHE", str(tmp_path))
    assert default_cache_folder() == tmp_path
    monkeypatch.delenv("SHANSHUI_CACHE")
    assert default_cache_folder() == Path.home() / ".cache" / "shanshui"


def test_a_missing_feature_and_an_empty_reference_are_one_sentence() -> None:
    with pytest.raises(ConfigError, match="effnetlite1"):
        reference_features(scenes(0, 4), SmallExtractor(), ["effnetlite1"], height=SIDE, width=SIDE)
    with pytest.raises(DataError, match="no real images"):
        reference_features([], SmallExtractor(), NAMES, height=SIDE, width=SIDE)


# Judging


def judge_of(extractor: SmallExtractor, *, fakes: int = 30) -> Judge:
    reference = reference_features(scenes(0, 60), extractor, NAMES, height=SIDE, width=SIDE)
    return Judge(reference, extractor, height=SIDE, width=SIDE, fakes=fakes, figures=[KID, "frechet_vgg19_relu4_4"])


def test_the_judge_announces_its_figures_and_asks_for_its_number_of_images() -> None:
    judge = judge_of(SmallExtractor())
    assert judge.names == ("kid_vgg19_relu5_4_16px_60v30", "frechet_vgg19_relu4_4_16px_60v30")
    asked: list[int] = []

    def draw(count: int) -> list[Image]:
        asked.append(count)
        return scenes(1, count)

    assert tuple(judge(draw).figures) == judge.names
    assert asked == [30]
    assert judge.choosing("effnetlite1") == judge.names[0]
    with pytest.raises(ConfigError, match="vgg19"):
        judge.choosing("vgg19")


def test_the_judge_tells_good_from_bad() -> None:
    judge = judge_of(SmallExtractor())
    like, dark, collapsed = (
        scenes(1, 30),
        [image // 3 for image in scenes(1, 30)],
        scenes(1, 1) * 30,
    )
    for name in judge.names:
        near, far, one = (judge.score(images)[name].value for images in (like, dark, collapsed))
        assert near < far
        assert near < one
    assert abs(judge.score(like)[judge.names[0]].value) < 0.1 * judge.score(dark)[judge.names[0]].value


def test_the_judge_extracts_its_reference_once_and_takes_no_more_than_it_needs() -> None:
    extractor = SmallExtractor()
    judge = judge_of(extractor)
    endless = chain.from_iterable(scenes(seed, 10) for seed in range(10**9))
    for call in range(1, 4):
        judge.score(endless)
        assert extractor.images_seen == 60 + 30 * call
    with pytest.raises(DataError, match="5 images came to be judged and 30"):
        judge.score(scenes(1, 5))


def test_judging_leaves_the_random_numbers_of_training_alone() -> None:
    judge = judge_of(SmallExtractor())
    before = torch.get_rng_state()
    judge.score(scenes(1, 30))
    assert torch.equal(torch.get_rng_state(), before)


def test_evaluate_equals_the_judge(tmp_path: Path) -> None:
    judge = judge_of(SmallExtractor())
    for _ in range(2):
        figures = evaluate(
            scenes(0, 60),
            scenes(1, 30),
            SmallExtractor(),
            [KID, "frechet_vgg19_relu4_4"],
            height=SIDE,
            width=SIDE,
            digest="real",
            cache=tmp_path,
        )
        assert figures == judge.score(scenes(1, 30))


def test_a_figure_without_features_is_refused_before_training() -> None:
    with pytest.raises(ConfigError, match="effnetlite1"):
        Judge({}, SmallExtractor(), height=SIDE, width=SIDE, fakes=10, figures=["kid_effnetlite1"])


def test_vgg19_tells_photographs_from_noise() -> None:
    datasets = pytest.importorskip("sklearn.datasets")
    from shanshui.networks.encoders.pooled import PooledVGG19

    photos = [datasets.load_sample_image(name) for name in ("china.jpg", "flower.jpg")]
    crops = [
        photo[top : top + 64, left : left + 64]
        for photo in photos
        for top in range(0, 320, 80)
        for left in range(0, 560, 140)
    ]
    noise = list(np.random.default_rng(0).integers(0, 256, (8, 64, 64, 3), dtype=np.uint8))
    extractor = PooledVGG19()
    reference = reference_features(crops[::2], extractor, NAMES, height=32, width=32)
    # KID alone: a Frechet distance of eight images is mostly its bias.
    judge = Judge(reference, extractor, height=32, width=32, fakes=8, figures=[f"kid_{name}" for name in NAMES])
    like, unlike = judge.score(crops[1::4]), judge.score(noise)
    for name in judge.names:
        assert like[name].value < unlike[name].value / 3
