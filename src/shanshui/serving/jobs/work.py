"""What the working process does: it keeps models loaded, and turns one order after the other into pictures."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import TypeVar, cast

import torch
from PIL import Image

from shanshui.checkpoints.weights import read_header
from shanshui.errors import ConfigError
from shanshui.images.credentials import Credentials, Making
from shanshui.images.files import Picture, from_any, read_picture, write_picture
from shanshui.images.identity import can_sign, self_made
from shanshui.images.provenance import Note
from shanshui.pipelines.codes import CodeSpace
from shanshui.pipelines.compose import SceneComposer
from shanshui.pipelines.generate import SceneGenerator
from shanshui.pipelines.inpaint import SceneInpainter
from shanshui.pipelines.interpolate import Interpolator
from shanshui.pipelines.steering.editor import SceneEditor
from shanshui.pipelines.stylize import Stylizer
from shanshui.pipelines.treatment import Photo, Region, Style, Treatment
from shanshui.serving.jobs.hand import Answer, Message, Tell
from shanshui.serving.jobs.inspection import MASK, PHOTO
from shanshui.serving.jobs.orders import (
    ORDERS,
    PAINTING,
    ComposeOrder,
    GenerateOrder,
    InpaintOrder,
    Order,
    Painted,
    StylizeOrder,
    places_of,
    strengths_of,
    weights_of,
)

Pipeline = TypeVar("Pipeline")

_MODELS_KEPT = 8
_NOT_SETTINGS = frozenset({"model", "format"})


def prepared(device: str, version: str) -> Answer:
    """What the process does: {"folder", "kind", "order", "models", "uploads"} in; {"results"} out, or a refusal.

    `models` gives the name and file of each model by its part in the order. After each picture it tells {"done"}.
    """

    def work(question: Message, tell: Tell) -> Message:
        order = ORDERS[question["kind"]].model_validate(question["order"])
        bench = Bench(Path(question["folder"]), question["models"], question["uploads"], device, version)
        results = []
        for number, (picture, making) in enumerate(_made(order, bench)):
            path = bench.folder / f"result-{number}.{order.format}"
            write_picture(path, _credited(picture, making, order, bench))
            results.append(
                {"file": path.name, "width": picture.width, "height": picture.height, "bytes": path.stat().st_size}
            )
            tell({"done": len(results)})
        return {"results": results}

    return work


class Bench:
    """What lies ready for one job: its files and its models."""

    def __init__(
        self, folder: Path, models: Mapping[str, tuple[str, str]], uploads: list[str], device: str, version: str
    ) -> None:
        self.folder, self.uploads, self.version = folder, uploads, version
        self._models, self._device = models, device

    def opened(self, load: Callable[..., Pipeline], part: str = "model") -> Pipeline:
        """The pipeline for a part of the order; `load` is its `from_pretrained`."""
        path = Path(self._models[part][1])
        return cast(Pipeline, _opened(load, path, path.stat().st_mtime_ns, self._device))

    def space(self, label: int | None) -> CodeSpace:
        """The codes of the scene generator for the order; those of a class are seldom asked for, and not kept."""
        if label is None:
            return self.opened(CodeSpace.from_pretrained)
        return CodeSpace.from_pretrained(self.model[1], label=label, device=self._device)

    @property
    def measured(self) -> Path:
        """Where what is measured of a model once is kept, inside the folder of the service."""
        return self.folder.parents[1] / "measured"

    def picture(self, name: str) -> Picture | None:
        """An uploaded picture, None where there is none of that name."""
        return read_picture(self.folder / name, name=f"The {name}") if name in self.uploads else None

    @property
    def model(self) -> tuple[str, Path]:
        """Name and file of the model that does the work."""
        name, path = self._models["model"]
        return name, Path(path)

    @property
    def paintings(self) -> int:
        """How many were uploaded."""
        return sum(name.startswith(PAINTING) for name in self.uploads)


@lru_cache(maxsize=_MODELS_KEPT)
def _opened(load: Callable[..., object], path: Path, changed: int, device: str) -> object:
    """A pipeline that stays loaded; a file that has changed is loaded anew."""
    return load(path, device=torch.device(device))


def _made(order: Order, bench: Bench) -> Iterator[tuple[Picture, Making]]:
    match order:
        case StylizeOrder():
            yield _painted(order, bench.opened(Stylizer.from_pretrained), bench, bench.picture(PHOTO)), _FROM_PHOTO
        case ComposeOrder():
            stylizer = bench.opened(SceneComposer.from_pretrained).at(order.naturalness, seed=order.seed)
            photo = bench.picture(PHOTO)
            if photo is None:
                photo = from_any(next(bench.opened(SceneGenerator.from_pretrained, "scenes").generate(1, order.seed)))
            making = _FROM_PHOTO if PHOTO in bench.uploads else _FROM_NOTHING
            yield _painted(order, stylizer, bench, photo), making
        case GenerateOrder():
            yield from ((from_any(scene), _FROM_NOTHING) for scene in _scenes(order, bench))
        case InpaintOrder():
            yield _filled(order, bench.opened(SceneInpainter.from_pretrained), bench), _FROM_PHOTO


_FROM_PHOTO: Making = "compositeWithTrainedAlgorithmicMedia"
_FROM_NOTHING: Making = "trainedAlgorithmicMedia"


def _scenes(order: GenerateOrder, bench: Bench) -> Iterator[Image.Image]:
    if not order.control and order.towards is None:
        generator = bench.opened(SceneGenerator.from_pretrained)
        make = generator.panoramas if order.wrap else generator.generate
        height, width = order.height or generator.size[0], order.width or generator.size[1]
        return make(order.count, order.seed, size=(height, width), truncation=order.truncation, label=order.label)
    space = bench.space(order.label)
    if order.towards is None:
        codes = space.of([(order.seed, number) for number in range(order.count)], truncation=order.truncation)
    else:
        way = Interpolator(space).journey([order.seed, order.towards], truncation=order.truncation)
        codes = way.codes(order.count)
    if order.control:
        codes = SceneEditor(space, cache=bench.measured).edited(codes, strengths_of(order.control))
    return space.pictures(codes)


def _painted(order: Painted, stylizer: Stylizer, bench: Bench, photo: Picture | None) -> Picture:
    assert photo is not None
    treatment = Treatment(
        strength=order.strength,
        colors=order.colors,
        stroke_scale=order.stroke_scale,
        flat_skies=order.flat_skies,
        mask=bench.picture(MASK),
        wrap=order.wrap,
        statistics=order.statistics,
        regions=[
            Region(where=where, style=_style({style: 1.0}, stylizer, bench), strength=strength)
            for where, style, strength in places_of(order.region)
        ],
    )
    return stylizer.paint(photo, _style(weights_of(order.style, bench.paintings), stylizer, bench), treatment)


def _style(weights: Mapping[str, float], stylizer: Stylizer, bench: Bench) -> Style:
    """A blend of names that the model knows and of uploaded paintings: anything else could be taken for a file."""
    parts: list[tuple[Photo, float]] = []
    for name, weight in weights.items():
        painting = bench.picture(name)
        if painting is None and name not in stylizer.styles:
            raise ConfigError(f"There is no style {name!r}: this model's styles are {', '.join(stylizer.styles)}.")
        parts.append((name if painting is None else painting, weight))
    return parts


def _filled(order: InpaintOrder, inpainter: SceneInpainter, bench: Bench) -> Picture:
    photo, mask = bench.picture(PHOTO), bench.picture(MASK)
    assert photo is not None
    if mask is not None:
        photo = inpainter.inpaint(photo, mask, seed=order.seed)
    sides = {"left": order.left, "right": order.right, "top": order.top, "bottom": order.bottom}
    return inpainter.expand(photo, **sides, seed=order.seed)


def _credited(picture: Picture, making: Making, order: Order, bench: Bench) -> Picture:
    """The picture with a note of its making, as the command line writes it."""
    name, path = bench.model
    credentials = Credentials(
        version=bench.version,
        model=name,
        licence=str(read_header(path).card.get("licence", "unknown")),
        making=making,
        settings=order.model_dump(exclude=set(_NOT_SETTINGS), exclude_defaults=True),
    )
    return replace(picture, note=Note(credentials=credentials, identity=self_made() if can_sign() else None))
