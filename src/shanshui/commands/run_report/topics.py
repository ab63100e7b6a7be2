"""What a training logs, in words."""

from collections.abc import Mapping
from dataclasses import dataclass

SPEED = "speed.images_per_second"


@dataclass(frozen=True, kw_only=True)
class Topic:
    """What a group of logged values is about.

    Attributes:
        title: a few words.
        meaning: a sentence or two; empty when there is nothing to add.
    """

    title: str
    meaning: str = ""


TOPICS: Mapping[str, Topic] = {
    "losses": Topic(
        title="Losses of the two sides",
        meaning="They chase each other: neither falls for long. One at zero, or one that climbs and climbs, means that "
        "the other has won.",
    ),
    "logits": Topic(
        title="What the discriminator says",
        meaning="High for real, low for generated. Curves that part for good: it no longer needs to look.",
    ),
    "content": Topic(title="Content of the photo", meaning="How far the result is from the photo, by layer."),
    "style": Topic(title="Style of the paintings", meaning="How far it is from the paintings, by layer."),
    "moments": Topic(title="Moments of the paintings", meaning="Means and spreads of features, by layer."),
    "tone": Topic(title="Tone", meaning="How far the light and dark of the result are from those of the photo."),
    "palette": Topic(title="Palette", meaning="How far its colours are from those of the paintings."),
    "contrast": Topic(
        title="Contrast", meaning="How badly a picture's places are recognised as those of its photo, or its painting."
    ),
    "cycle": Topic(
        title="There and back", meaning="How far an image comes back changed from a journey to the other side."
    ),
    "identity": Topic(title="Identity", meaning="How much is changed of what is of the wanted kind already."),
    "tv": Topic(title="Roughness", meaning="Total variation: how much neighbouring pixels differ."),
    "augmentation": Topic(
        title="Augmentation",
        meaning="The probability that adaptive augmentation has arrived at: it rises when the "
        "discriminator knows its photographs too well.",
    ),
    "gradient_penalty": Topic(title="Gradient penalty", meaning="How far the discriminator's slope is from one."),
    "r1": Topic(title="R1 penalty", meaning="How steep the discriminator is at real images."),
    "r2": Topic(title="R2 penalty", meaning="How steep the discriminator is at generated images."),
    "path_length": Topic(title="Path length penalty", meaning="How unevenly the generator answers to its styles."),
    "mode_seeking": Topic(title="Mode-seeking term", meaning="How little images differ when their latents do."),
    "reconstruction": Topic(
        title="Reconstruction", meaning="How far the discriminator is from redrawing the photographs that it sees."
    ),
    "watch.variety": Topic(
        title="Variety",
        meaning="Distance between two generated images over that between two real ones: near 0 they are all alike.",
    ),
    "watch.recall": Topic(
        title="Recall",
        meaning="Share of the real images that lie among the generated ones: low when kinds of scenes are missing.",
    ),
    "watch.movement": Topic(
        title="Movement", meaning="How far images of the same latents moved since the judgement before: 0 stands still."
    ),
    "watch.copies": Topic(
        title="Copies", meaning="Share of generated images that are suspiciously near to a training photograph."
    ),
    "watch.sign": Topic(
        title="Certainty of the discriminator",
        meaning="Mean sign of its logits of training photographs: at 1 it knows every one of them.",
    ),
    SPEED: Topic(title="Speed", meaning="Images learned from in a second."),
    "speed.idle_share": Topic(
        title="Waiting for images", meaning="Share of the time in which the network waited for photographs to be read."
    ),
}
"""In the order in which they stand on the page."""
