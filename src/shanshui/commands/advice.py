"""What to do with a data set, in words: what to remove, what to train and for how long, what to hold out."""

from pathlib import PurePath

from shanshui.commands.plan import FEW, NEARLY_ALL, Plan
from shanshui.commands.survey import SPLITS, Survey
from shanshui.commands.trial import Pace, in_words

ENOUGH = 2000  # the model that ships saw little more
GREY_SHARE = 0.1
HELD_OUT_SHARE, HELD_OUT_MOST = 0.1, 600  # of these many, figures are precise enough to compare snapshots
CLASS_OF_FEW = 100


def advise(survey: Survey, plan: Plan | None, pace: Pace | None) -> list[str]:
    """Sentences in the order in which one would act on them; `plan` is None where there is nothing to train on."""
    if plan is None:
        return ["no file can be used: give JPEG, PNG, WebP, AVIF or TIFF photos."]
    return [*_removals(survey), *_amount(survey), *_training(survey, plan, pace), *_held_out(survey), *_labels(survey)]


def _removals(survey: Survey) -> list[str]:
    found, odd = survey.found, survey.odd
    advice = []
    if found.unreadable or found.too_small or found.duplicates:
        advice.append("`shanshui prepare` writes an archive without the unreadable, the tiny and the copied files.")
    if found.repeats:
        advice.append(
            f"{len(found.repeats):,} near-duplicates would be learned more often than the rest, and in a held-out set "
            "they would pass for copies: `shanshui prepare --near-duplicates drop` keeps one of each group."
        )
    if odd["blank"] or odd["graphics"]:
        advice.append("remove what is blank or a graphic, unless it belongs there: a generator makes them as often.")
    if odd["frames"]:
        advice.append("crop bars and frames away: a generator draws them, too.")
    if odd["turned"]:
        advice.append("look at the files that are turned the other way: do they lie on their side?")
    if odd["shape"]:
        advice.append("of very long or narrow pictures only a part is seen at a time: cut them up or remove them.")
    if survey.grey > GREY_SHARE * max(1, survey.usable):
        share = survey.grey / survey.usable
        advice.append(f"{share:.0%} are grey, and so will scenes be: take the grey photos out if you want colour.")
    return advice or ["nothing to mend."]


def _amount(survey: Survey) -> list[str]:
    if survey.worth < FEW:
        return [f"fewer than {FEW} photos are enough for a style, but few for a scene generator: it would repeat them."]
    if survey.worth < ENOUGH:
        return [f"{survey.worth:,} photos are enough to try a scene generator; from {ENOUGH:,} on, scenes vary more."]
    return [f"{survey.worth:,} photos are enough for a scene generator."]


def _training(survey: Survey, plan: Plan, pace: Pace | None) -> list[str]:
    label = survey.found.label
    if plan.subject == "scene":
        command = f"shanshui train scene --recipe {plan.recipe} --data {label} --run RUN"
    else:
        command = f"shanshui train style --recipe {plan.recipe} --data . --photos PHOTOS --shown PHOTOS"
        command += f" --style mine={label} --run RUN"
    advice = [f"train with `{command}`: {plan.size} px, {plan.images:,} images{_time(plan, pace)}."]
    if plan.subject == "scene" and survey.share_with_side(plan.size) < NEARLY_ALL:
        advice.append(f"many photos are smaller than {plan.size} px and will be enlarged: larger ones are sharper.")
    return advice


def _time(plan: Plan, pace: Pace | None) -> str:
    if pace is None:
        return ""
    seconds = in_words(pace.seconds_for(plan.images))
    steps = "1 step" if pace.steps == 1 else f"{pace.steps} steps"
    return f", about {seconds} on this machine ({pace.device}; {steps} took {pace.seconds:.1f} s)"


def _held_out(survey: Survey) -> list[str]:
    if SPLITS & {folder.lower() for folder in survey.folders}:
        return ["the folders look like the parts of a split data set: give the one to train on, ARCHIVE/FOLDER."]
    if PurePath(survey.found.label).name.lower() in SPLITS or survey.worth < FEW:
        return []
    count = min(round(HELD_OUT_SHARE * survey.worth), HELD_OUT_MOST)
    return [
        f"hold out about {count:,} photos in a folder of their own, before you train: "
        "`shanshui evaluate` then tells new scenes from copies."
    ]


def _labels(survey: Survey) -> list[str]:
    if not survey.labels:
        return []
    advice = f"the {len(survey.labels)} folders can be labels: `--labels folders` lets you ask for one kind of scene."
    scarce = [folder for folder, count in survey.labels.items() if count < CLASS_OF_FEW]
    return [advice + (f" Fewer than {CLASS_OF_FEW} images: {', '.join(scarce)}." if scarce else "")]
