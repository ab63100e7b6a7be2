"""How long a training runs and how often it does what; nothing here changes what is learned per image."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from shanshui.errors import ConfigError


@dataclass(frozen=True, kw_only=True)
class TrainSettings:
    """The loop's numbers; every interval but one is in images seen.

    Attributes:
        images: total to see, counted from the beginning of the run and not from a resume.
        batch_size: images in each step.
        seed: of initial weights, data order, augmentation and latents.
        checkpoint_every: between resumable states (and snapshots).
        checkpoint_minutes: between them at most, so that a slow machine loses little; looked at when progress is told.
        sample_every: between sample sheets.
        judge_every: between judgements of the figure that keeps the best snapshot.
        log_every: between progress events.
        keep: how many states and snapshots stay.
        workers: decoding threads.
    """

    images: int
    batch_size: int = 16
    seed: int = 0
    checkpoint_every: int = 10_000
    checkpoint_minutes: int = 15
    sample_every: int = 5_000
    judge_every: int = 10_000
    log_every: int = 500
    keep: int = 3
    workers: int = 2

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if name != "seed" and value < 1:
                raise ConfigError(f"--{name.replace('_', '-')} is {value}: it must be at least 1.")
        if self.seed < 0:
            raise ConfigError(f"--seed is {self.seed}: it must be 0 or more.")


@dataclass(frozen=True)
class StopCondition:
    """Stop once the named figure falls below a value."""

    metric: str
    below: float

    @classmethod
    def parse(cls, text: str) -> "StopCondition":
        """Read `METRIC<VALUE`, for instance `kid<0.1` or `kid_vgg19_relu5_4_128px_598<0.1`; see `among`.

        Raises:
            ConfigError: another form.
        """
        match = re.fullmatch(r"\s*([\w.-]+)\s*<\s*([-+.\deE]+)\s*", text)
        try:
            if match is not None:
                return cls(match[1], float(match[2]))
        except ValueError:
            pass
        raise ConfigError(f'--stop-when {text!r} is not a condition: write "METRIC<VALUE" with the name of a figure.')

    def among(self, names: Sequence[str], choosing: str | None = None) -> "StopCondition":
        """The condition with the full name of its figure, of which it may give the first words: `kid`, `kid_vgg19`.

        Args:
            names: full names of the figures that are measured.
            choosing: the one that tells which snapshot is best: it is meant where several begin alike.

        Raises:
            ConfigError: no figure begins like that, or several do and none of them chooses.
        """
        meant = [name for name in names if name == self.metric or name.startswith(f"{self.metric}_")]
        if choosing in meant:
            return replace(self, metric=choosing)
        if len(meant) == 1:
            return replace(self, metric=meant[0])
        problem = "could mean" if meant else "is not measured by this training, which measures"
        raise ConfigError(f"--stop-when {self.metric} {problem} {', '.join(meant or names) or 'nothing'}.")
