"""What users write after `--style` and `--region`, read."""

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from shanshui.errors import ConfigError
from shanshui.images.files import READABLE_SUFFIXES
from shanshui.networks.segmenters.zones import ZONES
from shanshui.pipelines.treatment import Region


def parse_blend(texts: Sequence[str], known: Collection[str]) -> dict[str, float]:
    """`["monet:0.6", "sea.jpg:0.4"]` as {"monet": 0.6, "sea.jpg": 0.4}; without weights, equal parts.

    Args:
        texts: what `--style` was given.
        known: names of styles, for the message when `texts` is empty.

    Raises:
        ConfigError: no style, one named twice, or weights given to some styles only.
    """
    if not texts:
        raise ConfigError(f"--style is missing: the styles of this model are {', '.join(known) or 'paintings'}.")
    parts = [_weighted(text) for text in texts]
    names = [name for name, _ in parts]
    if len(set(names)) < len(names):
        raise ConfigError(f"--style names {max(names, key=names.count)!r} twice: name each style once.")
    weights = [weight for _, weight in parts if weight is not None]
    if not weights:
        return dict.fromkeys(names, 1 / len(names))
    if len(weights) < len(names):
        raise ConfigError("--style gives weights to some styles only: write NAME:WEIGHT for each of them or for none.")
    return dict(zip(names, weights, strict=True))


def parse_region(text: str) -> Region:
    """`sky=ink`, `sky=ink:0.5` or `mask.png=sea.jpg` as a region.

    Raises:
        ConfigError: another form, or a place that is neither a zone nor a picture.
    """
    where, _, rest = text.partition("=")
    if not where or not rest:
        raise ConfigError(f"--region {text} cannot be read: write WHERE=STYLE or WHERE=STYLE:STRENGTH.")
    if where not in ZONES and not is_picture(where):
        raise ConfigError(f"--region {text} is nowhere: WHERE is {', '.join(ZONES)} or the file of a mask.")
    style, strength = _weighted(rest, option="--region", what="strength")
    return Region(where=where if where in ZONES else Path(where), style=style, strength=strength)


def public_style(text: str) -> str:
    """What `--style` was given, but of a painting's file only the name: where it lies on this machine is private."""
    name, weight = _weighted(text)
    return _public(name) + ("" if weight is None else f":{weight:g}")


def public_region(text: str) -> str:
    """The same of what `--region` was given."""
    where, _, rest = text.partition("=")
    return f"{_public(where)}={public_style(rest)}"


def is_picture(text: str) -> bool:
    """Whether a text looks like the name of a picture file."""
    return Path(text).suffix.lower() in READABLE_SUFFIXES


def addition(blend: Mapping[str, float]) -> str:
    """What a blend adds to the name of a photo."""
    return "-".join(Path(style).stem if is_picture(style) else style for style in blend)


def _public(name: str) -> str:
    return Path(name).name if is_picture(name) else name


def _weighted(text: str, *, option: str = "--style", what: str = "weight") -> tuple[str, float | None]:
    """`NAME:WEIGHT` in two; a file's name may hold colons of its own."""
    name, colon, number = text.rpartition(":")
    if not colon or is_picture(text):
        return text, None
    try:
        return name, float(number)
    except ValueError as error:
        raise ConfigError(
            f"{option} {text} has no {what} after the colon: write a number, as in {name}:0.5."
        ) from error
