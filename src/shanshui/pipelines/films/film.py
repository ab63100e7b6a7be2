"""Whole films painted: read, planned, painted take by take, joined with their sound."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from importlib.metadata import version
from itertools import islice
from pathlib import Path

from shanshui.errors import ConfigError
from shanshui.events import Emit, Finished, Metric, Progress, Started, Warned, ignore
from shanshui.images.footage.reel import Reel, Still
from shanshui.images.footage.splice import require_splice, splice
from shanshui.images.footage.takes import Encoding, encoding_for, write_take
from shanshui.images.motion import opencv
from shanshui.images.provenance import Note
from shanshui.pipelines.films.plan import Plan, Shot, parts_of, plan, samples
from shanshui.pipelines.films.steady import Flicker, SteadyHand
from shanshui.pipelines.films.workshop import Workshop
from shanshui.pipelines.stylize import Stylizer
from shanshui.pipelines.treatment import Style, Treatment

TASK = "film"


@dataclass(frozen=True, kw_only=True)
class Steadiness:
    """How a film is kept from flickering.

    Attributes:
        memory: share of the paint that stays from frame to frame where the same thing is seen; 0 paints each anew.
        samples: frames of each shot whose statistics hold for all of it; 0 lets the painter adapt to each frame.
    """

    memory: float = 0.6
    samples: int = 4

    def __post_init__(self) -> None:
        """Raises ConfigError for a value that cannot work."""
        if not 0 <= self.memory < 1 or self.samples < 0:
            raise ConfigError("Steadiness needs a memory from 0 to below 1, and no fewer samples than 0.")


@dataclass(frozen=True, kw_only=True)
class PaintedFilm:
    """What became of a film.

    Attributes:
        path: the result.
        frames: painted.
        shots: found.
        damaged: frames or parts that could not be read, and are left out.
        flicker: E_warp of the result, see `warping_error`: mean over consecutive frames of a shot.
        source_flicker: the same of the film itself.
    """

    path: Path
    frames: int
    shots: int
    damaged: int
    flicker: float
    source_flicker: float


class FilmStylizer:
    """Paints films; the same film, style and machine always give the same file, interrupted or not."""

    def __init__(self, stylizer: Stylizer, *, steadiness: Steadiness | None = None, take: int = 48) -> None:
        """Paint with `stylizer`, and keep every `take` frames: what is lost at most when the work is killed."""
        self._stylizer, self._steadiness, self._take = stylizer, steadiness or Steadiness(), take

    def __call__(
        self,
        film: Path,
        style: Style,
        treatment: Treatment | None = None,
        *,
        out: Path,
        emit: Emit = ignore,
        note: Note | None = None,
    ) -> PaintedFilm:
        """Paint `film` into `out`, or finish what an earlier call began: it lies in the folder OUT.unfinished.

        Pictures are encoded again, as H.264 where the container of `out` is used to it. Sound and other streams are
        copied; times, colours, turn and shape of pixels are kept, as far as that container knows them.

        Args:
            film: any film that FFmpeg reads.
            style: as for photos.
            treatment: as for photos; masks have the proportions of the upright film.
            out: where to; its ending names the container.
            emit: hears of every frame.
            note: what the film is to say of its making.

        Raises:
            ConfigError: an ending that cannot be written, a missing extra, an unknown style, `out` is `film`.
            ImageError: the film cannot be read or written.
            StorageError: the disk is full or not writable.
        """
        treatment = treatment or Treatment()
        opencv()
        self._stylizer.blend(style)  # what cannot work is told before the film is looked through
        reel = Reel(film)
        encoding = encoding_for(out, reel.traits)
        if out.resolve() == film.resolve():
            raise ConfigError(f"{out} would be written over the film itself: choose another name.")

        def warn(message: str) -> None:
            emit(Warned(task=TASK, message=message))

        found = plan(reel)
        if found.damaged:
            warn(f"{film} is damaged: {found.damaged} frames or parts of it are left out.")
        emit(Started(task=TASK, total=found.frames))
        workshop = Workshop(out.with_name(f"{out.name}.unfinished"), self._job(found, reel, encoding, style, treatment))
        require_splice(workshop.rehearsal, reel, encoding, warn)
        flicker = self._paint(reel, found, encoding, style, treatment, workshop, emit)
        parts = parts_of(found.shots, self._take)
        with workshop.result(out) as place:
            splice(place, [workshop.take(number) for number in range(len(parts))], reel, encoding, note)
        painted, source = flicker.means()
        for name, value in (("e_warp", painted), ("e_warp_source", source)):
            emit(Metric(task=TASK, name=name, value=value, done=found.frames))
        emit(Finished(task=TASK, done=found.frames, reason="complete"))
        return PaintedFilm(
            path=out,
            frames=found.frames,
            shots=len(found.shots),
            damaged=found.damaged,
            flicker=painted,
            source_flicker=source,
        )

    def _paint(
        self,
        reel: Reel,
        found: Plan,
        encoding: Encoding,
        style: Style,
        treatment: Treatment,
        workshop: Workshop,
        emit: Emit,
    ) -> Flicker:
        """All takes that are not done yet."""
        done, moment, flicker = workshop.resume()
        frames = reel.frames()
        calm = _Calm(self._stylizer, style, treatment, reel, found, self._steadiness.samples)
        for number, (part, shot) in enumerate(parts_of(found.shots, self._take)):
            stills = islice(frames, part.last - part.first)
            if number < done:
                for _ in stills:
                    pass
                continue
            hand = SteadyHand(
                calm.stylizer(shot),
                style,
                treatment,
                memory=self._steadiness.memory,
                before=None if part.first == shot.first else moment,
            )
            write_take(workshop.take(number), _painted(stills, hand, part, emit), reel.traits, encoding)
            moment, flicker = hand.moment, flicker + hand.flicker
            assert moment is not None, "a take has a frame"
            workshop.keep(number, moment, flicker)
        return flicker

    def _job(self, found: Plan, reel: Reel, encoding: Encoding, style: Style, treatment: Treatment) -> str:
        """What the result depends on. A painted frame stands for network, styles, paintings and masks."""
        stat = reel.path.stat()
        painted = self._stylizer.paint(found.busiest, style, treatment)
        parts = (
            reel.path.resolve(),
            (stat.st_size, stat.st_mtime_ns),
            (version("shanshui"), encoding, self._steadiness, self._take),
            replace(treatment, mask=None, regions=()),
            hashlib.sha256(painted.pixels.tobytes()).hexdigest(),
        )
        return "\n".join(map(str, parts))


class _Calm:
    """The stylizer of each shot, whose statistics are those of some of its frames."""

    def __init__(
        self, stylizer: Stylizer, style: Style, treatment: Treatment, reel: Reel, found: Plan, count: int
    ) -> None:
        self._plain, self._style, self._treatment = stylizer, style, treatment
        self._count = count
        self._ahead = zip(found.shots, samples(reel, found.shots, count), strict=True) if count else iter(())
        self._of: tuple[Shot | None, Stylizer] = None, stylizer

    def stylizer(self, shot: Shot) -> Stylizer:
        """For a shot that is the same as the last time, or later."""
        known, stylizer = self._of
        if known != shot and self._count:
            frames = next(frames for each, frames in self._ahead if each == shot)
            stylizer = self._plain.settled(frames, self._style, self._treatment)
            self._of = shot, stylizer
        return stylizer


def _painted(stills: Iterator[Still], hand: SteadyHand, part: Shot, emit: Emit) -> Iterator[Still]:
    for number, still in enumerate(stills, part.first + 1):
        yield replace(still, pixels=hand.paint(still.pixels))
        painted, source = hand.flicker.means()
        emit(Progress(task=TASK, done=number, values={"flicker": painted, "source": source}))
