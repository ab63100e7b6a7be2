"""Overfitting: the discriminator knows its photographs by heart and calls any other photograph generated."""

from collections.abc import Sequence

from shanshui.training.monitors.reading import Alarm, Logits, Reading

BY_HEART = 0.5
"""Of Karras et al.'s r_v: held-out photographs are judged half way between training photographs and generated ones."""

RECOGNISED = 0.6
"""Mean sign of the logits of training photographs, the target of adaptive augmentation: below it nothing is known."""


def overfitting(history: Sequence[Reading]) -> Alarm | None:
    """r_v and the sign statistic r_t of Karras et al. 2020b (https://arxiv.org/abs/2006.06676), equation 1, both high.

    Adaptive augmentation follows the sign statistic inside the learner; alone it says only that the discriminator is
    ahead of its generator, which is no fault of the discriminator. r_v needs held-out photographs. Departure: logits
    of images that are not augmented, so that one threshold serves all strategies.
    """
    now = history[-1].logits
    if now is None or r_v(now) <= BY_HEART or now.sign <= RECOGNISED:
        return None
    return Alarm(
        kind="overfitting",
        message=(
            "The discriminator learns its photographs by heart: it takes photographs that it never saw "
            f"{r_v(now):.0%} of the way from training photographs to generated images."
        ),
    )


def r_v(logits: Logits) -> float:
    """(E D(train) - E D(heldout)) / (E D(train) - E D(generated)): 0 without overfitting, 1 where it is complete.

    0 as well where there are no held-out photographs, or the discriminator does not prefer training photographs.
    """
    lead = logits.training - logits.generated
    return 0.0 if logits.heldout is None or lead <= 0 else (logits.training - logits.heldout) / lead
