"""Who judges a training: VGG-19, against the images that it learns from."""

import numpy as np
import torch

from shanshui.evaluation.collection import with_progress
from shanshui.evaluation.features import FeatureSet
from shanshui.evaluation.judge import Judge
from shanshui.evaluation.protocols import DEFAULT_FIGURES, features_of
from shanshui.evaluation.references import reference_features
from shanshui.evaluation.stills import stills
from shanshui.events import Emit, Warned
from shanshui.images.pixels import to_tensor
from shanshui.networks.encoders.pooled import PooledVGG19
from shanshui.scenes.base import Source
from shanshui.training.course import TASK

# Images that a judgement during training takes: enough to rank snapshots, few enough not to hold training up. Larger
# ones than these cost as many times more, so there are as many times fewer of them, down to a quarter and a half.
REFERENCES, JUDGED = 2000, 500
JUDGED_SIZE = 128
FEWEST_REFERENCES = 12
SHOWN_TO_THE_DISCRIMINATOR = 64


def shown_to_the_discriminator(source: Source, height: int, width: int) -> torch.Tensor:
    """Some images, spread over the set, as a discriminator sees them without augmentation."""
    count = min(len(source), SHOWN_TO_THE_DISCRIMINATOR)
    return to_tensor(np.stack(list(stills(source, height, width, count=count))))


def judge_of(
    source: Source,
    heldout: Source | None,
    height: int,
    width: int,
    device: torch.device,
    emit: Emit,
    *,
    fakes: int | None = None,
) -> Judge | None:
    """A judge who knows the images of `source`; None, with a warning, where they are too few.

    Args:
        source: what is learned from.
        heldout: images of the same kind that are not.
        height: rows at which images are looked at.
        width: columns.
        device: where features are extracted.
        emit: hears warnings and progress.
        fakes: images that each judgement takes; as many as the size allows when None.
    """
    if len(source) < FEWEST_REFERENCES:
        message = (
            f"{source.label} has {len(source)} images, too few to measure against: the newest snapshot is the best."
        )
        emit(Warned(task=TASK, message=message))
        return None
    extractor = PooledVGG19().to(device)
    affordable = min(1.0, JUDGED_SIZE**2 / (height * width))
    references = round(REFERENCES * max(affordable, 1 / 4))

    def features(of: Source) -> dict[str, FeatureSet]:
        count = min(len(of), references)
        return reference_features(
            with_progress(stills(of, height, width, count=count), count, emit),
            extractor,
            features_of(DEFAULT_FIGURES),
            height=height,
            width=width,
            digest=of.digest,
            count=count,
            device=device,
            emit=emit,
        )

    count = min(len(source), references)
    return Judge(
        features(source),
        extractor,
        height=height,
        width=width,
        fakes=round(JUDGED * max(affordable, 1 / 2)) if fakes is None else fakes,
        heldout={} if heldout is None else features(heldout),
        photo=lambda row: stills(source, height, width, count=count).at(row, of=count),
        device=device,
    )
