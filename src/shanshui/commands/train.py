"""`shanshui train`: teach a network scenes, styles or translations."""

import argparse
import dataclasses
import logging
import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any, get_type_hints

import tyro

from shanshui.commands.lessons import SUBJECTS
from shanshui.commands.options import Common, parse, resolve_device
from shanshui.commands.outcome import Outcome
from shanshui.commands.run_report import report
from shanshui.commands.style_lessons import with_styles
from shanshui.commands.terminal import terminal
from shanshui.commands.translation_lessons import with_name
from shanshui.errors import ConfigError
from shanshui.events import Emit, broadcast, ignore
from shanshui.recipes import RECIPES
from shanshui.recipes.enlarger import EnlargerRecipe
from shanshui.recipes.scenes import SceneRecipe
from shanshui.recipes.translation import TranslationRecipe
from shanshui.scenes.sources import open_source
from shanshui.training import loop
from shanshui.training.answers import Policy
from shanshui.training.cost import hardware_of
from shanshui.training.crew import Crew
from shanshui.training.devices import PrecisionName, launched, start_fabric
from shanshui.training.listeners import journal, tensorboard
from shanshui.training.run import RunFolder, claimed
from shanshui.training.settings import StopCondition
from shanshui.training.watch import Watch

# What a resumed run may do otherwise without learning anything else.
MAY_DIFFER = frozenset(
    {
        *("images", "checkpoint_every", "checkpoint_minutes", "sample_every", "judge_every", "log_every"),
        *("keep", "workers"),
        *("data", "licence", "heldout", "stop_when", "patience", "policy"),
    }
)


@dataclass(frozen=True, kw_only=True)
class Train(Common):
    """What every learner takes besides the fields of its recipe."""

    recipe: str
    """A complete training configuration; the options below with their defaults are its fields."""
    data: Path
    """What to learn from: a folder, an archive, or ARCHIVE/FOLDER."""
    run: Path
    """Folder for everything this training writes: log, checkpoints, samples."""
    resume: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False
    """Continue the run in that folder from its newest checkpoint."""
    heldout: Path | None = None
    """Photos of the same kind that are never learned from (a folder, an archive, or ARCHIVE/FOLDER): they say what a
    copy is, and whether the discriminator knows its photos by heart."""
    stop_when: Annotated[str | None, tyro.conf.arg(metavar="METRIC<VALUE")] = None
    """Stop early once a figure falls below a value: its full name, or its first words, like kid<0.1."""
    patience: int | None = None
    """Stop early when the figure that keeps the best snapshot has not become better in so many judgements."""
    policy: Annotated[Policy, tyro.conf.arg(name="")] = dataclasses.field(default_factory=Policy)
    precision: PrecisionName = "auto"
    """Arithmetic: auto takes bf16 where the hardware computes in it."""
    licence: str = "unknown"
    """Licence of the images, for the model card inside each snapshot."""
    watts: float | None = None
    """Power that the hardware takes in all, for the energy in the card; 10 a thread or 350 a GPU are assumed when left
    out."""


@dataclass(frozen=True, kw_only=True)
class TrainStyle(Train):
    """Options of `train style` besides the fields of its recipe."""

    style: Annotated[tuple[str, ...], tyro.conf.UseAppendAction, tyro.conf.arg(metavar="NAME=PAINTINGS")] = ()
    """Learn this style from these paintings (data sets or files below DATA, separated by commas). Repeatable; replaces
    the recipe's styles."""


@dataclass(frozen=True, kw_only=True)
class TrainTranslation(Train):
    """Options of `train translation` besides the fields of its recipe."""

    style: str | None = None
    """What photos become, by the name that `shanshui stylize --style` will take; the recipe's when left out."""


OPTIONS: Mapping[str, type[Train]] = {"style": TrainStyle, "translation": TrainTranslation}
"""Of what takes more than every learner does."""

# Fields of parts of a recipe that are fitted to its size, and would be given in vain.
FITTED: Mapping[type[Any], Mapping[str, tuple[str, ...]]] = {
    SceneRecipe: {"generator": ("doublings", "start"), "discriminator": ("height", "width")},
    TranslationRecipe: {"discriminator": ("height", "width")},
    EnlargerRecipe: {"patches": ("height", "width"), "projected": ("height", "width")},
}


def main(argv: Sequence[str]) -> Outcome:
    """Run the command with the options of `argv`, the first of which is what to learn."""
    if not argv or argv[0] in ("-h", "--help"):
        if not argv:
            raise ConfigError(f"What to learn is missing: write `shanshui train {' or '.join(SUBJECTS)}`.")
        return Outcome(data={"learners": list(SUBJECTS)}, text=_help(), as_json=False)
    subject, rest = argv[0], argv[1:]
    if subject not in SUBJECTS:
        raise ConfigError(f"{subject!r} cannot be learned: write `shanshui train {' or '.join(SUBJECTS)}`.")
    recipe = _recipe(subject, rest)
    options = parse(_options_with(subject, recipe), f"train {subject}", rest)
    _refuse_what_follows_from_the_size(recipe, options)
    recipe = dataclasses.replace(recipe, **{field.name: getattr(options, field.name) for field in _fields(recipe)})
    if isinstance(options, TrainStyle):
        recipe = with_styles(recipe, options.style)
    if isinstance(options, TrainTranslation):
        recipe = with_name(recipe, options.style)
    with terminal() as emit:
        return run(subject, recipe, options, emit)


def run(subject: str, recipe: Any, options: Train, emit: Emit) -> Outcome:
    """Train, and say how it ended.

    Where a launcher has started several processes, each comes here; the first one says all there is to say.
    """
    with ExitStack() as held:
        return _run(subject, recipe, options, emit, held)


def _run(subject: str, recipe: Any, options: Train, emit: Emit, held: ExitStack) -> Outcome:
    if options.watts is not None and not 0 < options.watts < math.inf:
        raise ConfigError(f"--watts is {options.watts}: give a number above 0.")
    stop = None if options.stop_when is None else StopCondition.parse(options.stop_when)
    # Fabric logs on its own which precision it takes; the run's config.json says it already.
    logging.getLogger("lightning_fabric").setLevel(logging.WARNING)
    fabric = start_fabric(resolve_device(options.device), options.precision)
    crew = Crew.of(fabric)
    emit = emit if crew.leads else ignore
    # Everything that can be refused is looked at before the run's folder comes into being.
    source = open_source(SUBJECTS[subject].photos(recipe, options.data))
    recipe = SUBJECTS[subject].settled(recipe, options.data)
    config = _config(subject, recipe, options, source.digest)
    # A launcher repeats its command after a fault: there --resume begins a run that there is not yet.
    resumes = options.resume and (RunFolder.exists(options.run) or not launched())
    folder = held.enter_context(_reopened(options.run, config)) if resumes and crew.leads else None
    lesson = SUBJECTS[subject].lesson(recipe, options.data, options.heldout, fabric, emit)
    watch = Watch(
        judge=lesson.judge,
        training=lesson.training,
        heldout=lesson.heldout,
        stop=stop if crew.leads else None,
        patience=options.patience if crew.leads else None,
        policy=options.policy,
    )
    if watch.judge is not None:
        watch.condition(watch.judge.names[0])
    if crew.leads:
        folder = folder or held.enter_context(_created(options.run, config))
    crew.heard("the folder is there")
    folder = folder or RunFolder(options.run)
    with _recorded(folder, config, emit) if crew.leads else nullcontext(ignore) as told:
        ended = loop.train(
            lesson.plan,
            lesson.dataset,
            recipe.settings,
            folder,
            card={
                "task": subject,
                "recipe": options.recipe,
                "data": source.label,
                "data_digest": source.digest,
                "licence": options.licence,
            },
            emit=told,
            watch=watch,
            hardware=hardware_of(fabric.device, options.watts, processes=crew.processes),
            crew=crew,
        )
    crew.part()
    return _outcome(folder, ended, options) if crew.leads else _silent(ended)


@contextmanager
def _reopened(path: Path, config: Mapping[str, Any]) -> Iterator[RunFolder]:
    """The run at `path` to be continued, and nobody else's as long as this one goes on."""
    with claimed(path) if RunFolder.exists(path) else nullcontext():
        yield RunFolder.reopen(path, config, may_differ=MAY_DIFFER)


@contextmanager
def _created(path: Path, config: Mapping[str, Any]) -> Iterator[RunFolder]:
    """A new run, likewise."""
    with claimed(path):
        yield RunFolder.create(path, config)


@contextmanager
def _recorded(folder: RunFolder, config: Mapping[str, Any], emit: Emit) -> Iterator[Emit]:
    """`emit`, and all that the run's folder keeps of what is said."""
    start = _resumed_at(folder)
    with (
        journal(folder) as written,
        tensorboard(folder, config, resumed_at=start) as drawn,
        report(folder, config, resumed_at=start, warn=emit) as reported,
    ):
        yield broadcast(emit, written, drawn, reported)


def _recipe(subject: str, argv: Sequence[str]) -> Any:
    """The recipe that `argv` names: its fields are the defaults of the options, so it is found before they are read.

    Help without a recipe shows the first one.

    Raises:
        ConfigError: none is named, or one that does not exist.
    """
    known = RECIPES[subject]
    finder = argparse.ArgumentParser(add_help=False, allow_abbrev=False, exit_on_error=False)
    finder.add_argument("--recipe")
    try:
        name = finder.parse_known_args(list(argv))[0].recipe
    except argparse.ArgumentError:  # a flag without its value, which the full parser explains
        name = None
    if name is None and {"-h", "--help"} & set(argv):
        name = next(iter(known))
    if name not in known:
        problem = "--recipe is missing" if name is None else f"There is no recipe {name!r}"
        raise ConfigError(f"{problem}: those of `train {subject}` are {', '.join(known)}.")
    return known[name]


def _refuse_what_follows_from_the_size(recipe: Any, options: Any) -> None:
    """Networks are fitted to `--size`, so that their own fields for it would be given in vain."""
    for player, names in FITTED.get(type(recipe), {}).items():
        before, after = getattr(recipe.learner, player), getattr(options.learner, player)
        for name in names:
            if getattr(before, name) != getattr(after, name):
                raise ConfigError(f"--{player}.{name} follows from --size: leave it out and give the size.")


def _fields(recipe: Any) -> tuple[dataclasses.Field[Any], ...]:
    return dataclasses.fields(recipe)


def _options_with(subject: str, recipe: Any) -> type[Train]:
    """The subject's options with each field of `recipe` as another; fields of its parts stand without a prefix."""
    hints = get_type_hints(type(recipe))
    fields: list[tuple[str, Any, Any]] = []
    for field in _fields(recipe):
        value = getattr(recipe, field.name)
        kind = (
            Annotated[hints[field.name], tyro.conf.arg(name="")]
            if dataclasses.is_dataclass(value)
            else hints[field.name]
        )
        fields.append((field.name, kind, dataclasses.field(default=value)))
    about = SUBJECTS[subject].about
    description = f"Training: {about}.\n\n    Recipes: {', '.join(RECIPES[subject])}.\n\n{_attributes(type(recipe))}"
    options: type[Train] = dataclasses.make_dataclass(
        f"Train{subject.capitalize()}Options",
        fields,
        bases=(OPTIONS.get(subject, Train),),
        frozen=True,
        kw_only=True,
        namespace={"__doc__": description},
    )
    return options


def _attributes(kind: type[Any]) -> str:
    """The attributes that the docstrings of a recipe's class and of those that it derives from explain."""
    docstrings = [each.__doc__ or "" for each in kind.__mro__ if dataclasses.is_dataclass(each)]
    explained = [docstring.partition("Attributes:\n")[2].rstrip() for docstring in docstrings]
    return "\n".join(["    Attributes:", *filter(None, explained)]) + "\n    "


def _config(subject: str, recipe: Any, options: Train, digest: str) -> dict[str, Any]:
    """What config.json says: enough to repeat the run, and to notice when a resume would be another run."""
    values = asdict(recipe)
    settings = values.pop("settings")
    return {
        "task": subject,
        "recipe": options.recipe,
        "data": str(options.data),
        "data_digest": digest,
        "precision": options.precision,
        "licence": options.licence,
        "heldout": None if options.heldout is None else str(options.heldout),
        "stop_when": options.stop_when,
        "patience": options.patience,
        "policy": asdict(options.policy),
        **values,
        **settings,
    }


def _resumed_at(folder: RunFolder) -> int:
    return max((int(path.stem) for path in folder.checkpoints.glob("*.state")), default=0)


def _outcome(folder: RunFolder, ended: loop.Outcome, options: Train) -> Outcome:
    snapshot = max(folder.checkpoints.glob("*.safetensors"))
    best = folder.path / "best.safetensors"
    interrupted = ended.reason == "interrupted"
    advice = "run the same command with --resume to go on" if interrupted else f"`shanshui models {snapshot}` shows it"
    return Outcome(
        data={
            "run": str(folder.path),
            "images_seen": ended.images_seen,
            "reason": ended.reason,
            "remedies": list(ended.remedies),
            "figures": dict(ended.figures),
            "snapshot": str(snapshot),
            "best": str(best) if best.exists() else None,
        },
        text=f"{ended.images_seen:,} images seen ({ended.reason}); the newest snapshot is {snapshot}: {advice}.",
        as_json=options.json,
        interrupted=interrupted,
    )


def _silent(ended: loop.Outcome) -> Outcome:
    """The outcome of a process that only learned."""
    return Outcome(data={}, text="", as_json=False, interrupted=ended.reason == "interrupted")


def _help() -> str:
    width = max(map(len, SUBJECTS))
    rows = "\n".join(f"  {name:<{width}}  {subject.about}" for name, subject in SUBJECTS.items())
    recipes = "\n".join(f"  {name:<{width}}  {', '.join(RECIPES[name])}" for name in SUBJECTS)
    return f"""usage: shanshui train {{{",".join(SUBJECTS)}}} --recipe NAME --data PATH --run DIR [OPTIONS]

Teach a network from your own images. Ctrl-C saves and leaves; --resume goes on as if nothing had happened.

what to learn:
{rows}

recipes:
{recipes}

`shanshui train {next(iter(SUBJECTS))} --help` lists every option."""
