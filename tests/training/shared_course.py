"""A whole training of the mean learner in which a judge finds an explosion once: by one process or by several.

`python -m tests.training.shared_course RANK PROCESSES FOLDER` is one of several; FOLDER has photographs in `photos`.
"""

import json
import sys
from collections.abc import Callable, Iterable
from datetime import timedelta
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tests.training.conftest import SIZE, Found, MeanLearner
from torch import distributed

from shanshui.errors import ExplodingError
from shanshui.events import ignore
from shanshui.scenes.dataset import SceneDataset
from shanshui.scenes.sources import open_source
from shanshui.training.answers import Policy
from shanshui.training.course import Plan
from shanshui.training.crew import Crew
from shanshui.training.learners.strategy import SceneConfig
from shanshui.training.loop import train
from shanshui.training.run import RunFolder
from shanshui.training.settings import TrainSettings
from shanshui.training.watch import Watch

SETTINGS = TrainSettings(
    images=80, batch_size=4, checkpoint_every=16, sample_every=32, judge_every=20, log_every=8, workers=1
)


class AlarmedOnce:
    """Finds at the third judgement what must not be."""

    names: tuple[str, ...] = ("distance",)

    def __init__(self) -> None:
        self._judgements = 0

    def __call__(self, draw: Callable[[int], Iterable[NDArray[np.uint8]]], before: object = None) -> Found:
        self._judgements += 1
        if self._judgements == 3:
            raise ExplodingError("The judge saw it explode.")
        return Found(figures={"distance": 1 / self._judgements})

    def choosing(self, looks_through: str | None) -> str:
        return self.names[0]


def learn(folder: Path, crew: Crew, run: str) -> str:
    """What this process knows at the end, as JSON."""
    learners: list[MeanLearner] = []

    def taught(config: object) -> MeanLearner:
        learners.append(MeanLearner())
        return learners[-1]

    dataset = SceneDataset(open_source(folder / "photos"), SIZE, SIZE)
    policy = Policy(on_exploding="rollback")
    watch = Watch(judge=AlarmedOnce(), policy=policy) if crew.leads else Watch(policy=policy)
    place = RunFolder.create(folder / run, {}) if crew.leads else RunFolder(folder / run)
    ended = train(Plan(SceneConfig(), taught), dataset, SETTINGS, place, card={}, emit=ignore, watch=watch, crew=crew)
    return json.dumps(
        {
            "learners": len(learners),
            "value": learners[-1].value,
            "images_seen": ended.images_seen,
            "reason": ended.reason,
            "remedies": list(ended.remedies),
        }
    )


if __name__ == "__main__":
    rank, processes, folder = int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3])
    distributed.init_process_group(
        "gloo", f"file://{folder}/meeting", timedelta(seconds=60), rank=rank, world_size=processes
    )
    told = learn(folder, Crew(rank, processes), "shared")
    (folder / f"{rank}.json").write_text(told)
    distributed.destroy_process_group()
