"""Models for others: a snapshot with its card as the hub shows it, and the same way back."""

import math
import re
from collections.abc import Mapping
from pathlib import Path

from huggingface_hub import ModelCardData
from safetensors import safe_open

from shanshui.checkpoints import hub
from shanshui.checkpoints.cards import card_of
from shanshui.checkpoints.weights import SnapshotHeader, read_header

_FRONT = re.compile(r"\A---\n.*?\n---\n\s*", re.DOTALL)
_USE = re.compile(r"^## Use\n.*?(?=^## |\Z)", re.MULTILINE | re.DOTALL)

_KNOWN_LICENCES = {
    **{name: name for name in ("apache-2.0", "mit", "cc0-1.0", "cc-by-4.0", "cc-by-sa-4.0", "gpl-2.0", "gpl-3.0")},
    "cc0": "cc0-1.0",
}
_TASKS: Mapping[str, str] = {
    "scene generator": "unconditional-image-generation",
    "stylizer": "image-to-image",
    "composer": "image-to-image",
    "inpainter": "image-to-image",
    "zone segmenter": "image-segmentation",
}
_PYTHON: Mapping[str, str] = {
    "scene generator": """scenes = shanshui.SceneGenerator.from_pretrained("{name}")
for number, scene in enumerate(scenes.generate(count=4, seed=7)):
    scene.save(f"scene-{{number}}.png")""",
    "stylizer": """stylize = shanshui.Stylizer.from_pretrained("{name}")
stylize("photo.jpg", style="{style}").save("painted.png")""",
    "composer": """compose = shanshui.SceneComposer.from_pretrained("{name}")
compose("photo.jpg", style="{style}", naturalness=0.5).save("composed.png")""",
    "inpainter": """inpaint = shanshui.SceneInpainter.from_pretrained("{name}")
inpaint("photo.jpg", "mask.png").save("filled.png")""",
    "zone segmenter": """from shanshui.pipelines.zones import Zones

masks = Zones.from_pretrained("{name}")("photo.jpg")""",
}


def share(repository: str, snapshot: Path, *, private: bool = False) -> str:
    """Put a snapshot with its card into a repository of the hub.

    Args:
        repository: `owner/name`; it is made where there is none.
        snapshot: the file; the card beside it, or what it says of itself, becomes the README.
        private: show a repository that is made to nobody else.

    Returns:
        the address of the repository.

    Raises:
        ModelError: the file is no snapshot, or the hub does not take it.
    """
    header = read_header(snapshot)
    card = card_beside(snapshot) or card_of(snapshot.stem, header, weights=weights_in(snapshot))
    text = readme(repository, card, header)
    return hub.given(repository, snapshot, text, private=private, message="Model and card")


def card_beside(snapshot: Path) -> str | None:
    """The card that lies beside a snapshot, as it ships or as the hub gives it; None where there is none."""
    names = [snapshot.with_suffix(".md"), *([snapshot.with_name(hub.CARD)] if snapshot.name == hub.WEIGHTS else [])]
    found = next((name for name in names if name.is_file()), None)
    return None if found is None else _FRONT.sub("", found.read_text(encoding="utf-8"))


def readme(repository: str, card: str, header: SnapshotHeader) -> str:
    """A card for the hub: with what its listings read, and with how the model is used from there."""
    licence = str(header.card.get("licence", "unknown"))
    known = _KNOWN_LICENCES.get(licence.lower())
    told = ModelCardData(
        license=known or "other",
        library_name="shanshui",
        pipeline_tag=_TASKS.get(header.role),
        tags=["shanshui", "landscape", "gan", header.architecture],
        license_name=None if known else re.sub(r"[^a-z0-9.]+", "-", licence.lower()).strip("-"),
    )
    body = _USE.sub("", card).rstrip()
    return f"---\n{told.to_yaml()}\n---\n\n{body}\n\n## Use\n\n{_use(repository, header)}\n"


def weights_in(snapshot: Path) -> int:
    """How many numbers a snapshot holds; they are not read."""
    with safe_open(snapshot, framework="pt") as file:
        return sum(math.prod(file.get_slice(name).get_shape()) for name in file.keys())  # noqa: SIM118 - no mapping


def _use(repository: str, header: SnapshotHeader) -> str:
    styles = header.config.get("styles") or header.config.get("stylizer", {}).get("styles") or ()
    style = header.config.get("style") or next(iter(styles), "painting.jpg")
    python = _PYTHON.get(header.role, "").format(name=repository, style=style)
    return f"```\npip install shanshui\n```\n\n```python\nimport shanshui\n\n{python}\n```"
