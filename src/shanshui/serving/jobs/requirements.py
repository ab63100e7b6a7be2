"""What an order needs before it is accepted: models that are there, styles that they know, pictures that fit."""

from collections.abc import Mapping, Sequence

from shanshui.errors import ConfigError
from shanshui.serving.jobs.catalogue import COMPOSER, INPAINTER, SCENES, STYLIZER, Catalogue, Model
from shanshui.serving.jobs.inspection import MASK, PHOTO
from shanshui.serving.jobs.orders import (
    ANY,
    NAMED,
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


def models_for(order: Order, uploads: Sequence[str], catalogue: Catalogue) -> dict[str, Model]:
    """The models by their part in the order: `model`, and `scenes` where a scene out of noise is composed.

    Args:
        order: of any kind.
        uploads: names of the files that came with it.
        catalogue: the models that may be used.

    Raises:
        ModelError: there is no such model.
        ConfigError: an unknown style, or something is missing.
    """
    paintings = sum(name.startswith(PAINTING) for name in uploads)
    match order:
        case StylizeOrder():
            _require(PHOTO in uploads, "The photo is missing: upload one.")
            name = order.model or (ANY if paintings else NAMED)
            return {"model": _painter(order, catalogue.find(name, STYLIZER), paintings)}
        case ComposeOrder():
            _require(PHOTO in uploads or MASK not in uploads, "A mask needs a photo: upload both.")
            models = {"model": _painter(order, catalogue.find(order.model, COMPOSER), paintings)}
            return models if PHOTO in uploads else {**models, "scenes": catalogue.find(order.scenes, SCENES)}
        case GenerateOrder():
            changed = bool(strengths_of(order.control)) or order.towards is not None
            _require(
                not changed or (order.width, order.height, order.wrap) == (None, None, False),
                "Scenes that are changed by name, or on the way from one to another, have the model's own size: leave "
                "width, height and wrap out.",
            )
            _require(order.towards is None or order.count > 1, "A way has two ends: ask for at least 2 scenes.")
            return {"model": catalogue.find(order.model, SCENES)}
        case InpaintOrder():
            _require(PHOTO in uploads, "The photo is missing: upload one.")
            _require(
                MASK in uploads or any(_added(order)),
                "What to fill is missing: upload a mask, or say how many pixels to add on the left, right, top or "
                "bottom.",
            )
            return {"model": catalogue.find(order.model, INPAINTER)}
    raise AssertionError(f"{type(order).__name__} is no kind of order")


def require_sizes(order: Order, sizes: Mapping[str, Sequence[int]], most_pixels: int) -> None:
    """Pass if the result is within the limit.

    Args:
        order: of any kind.
        sizes: width and height of each upload.
        most_pixels: the limit.

    Raises:
        ConfigError: it would be larger.
    """
    match order:
        case GenerateOrder():
            pixels = order.count * (order.width or 1) * (order.height or 1)
        case InpaintOrder():
            width, height = sizes[PHOTO]
            left, right, top, bottom = _added(order)
            pixels = (width + left + right) * (height + top + bottom)
        case _:
            return
    _require(
        pixels <= most_pixels,
        f"The result would have {pixels:,} pixels, above the limit of {most_pixels / 1e6:g} megapixels: ask for less.",
    )


def _painter(order: Painted, model: Model, paintings: int) -> Model:
    _require(
        not paintings or model.takes_paintings,
        f"The model {model.name} takes no paintings: name one of its styles ({', '.join(model.styles)}).",
    )
    wanted = [*weights_of(order.style, paintings), *(style for _, style, _ in places_of(order.region))]
    for style in wanted:
        known = style in model.styles or style in [f"{PAINTING}{number + 1}" for number in range(paintings)]
        _require(known, f"There is no style {style!r}: the styles of {model.name} are {', '.join(model.styles)}.")
    return model


def _added(order: InpaintOrder) -> tuple[int, int, int, int]:
    return order.left, order.right, order.top, order.bottom


def _require(condition: bool, sentence: str) -> None:
    if not condition:
        raise ConfigError(sentence)
