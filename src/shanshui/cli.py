"""The command line: one table from command to function, and what happens to errors.

Exit codes: 0 done; 1 a bug, with its traceback; 2 something the user can put right, in one sentence; 130 stopped
by Ctrl-C; 141 nobody reads the output any more.
"""

import difflib
import json
import os
import sys
import traceback
from collections.abc import Mapping, Sequence
from importlib import import_module

from shanshui import __version__
from shanshui.commands.outcome import Outcome
from shanshui.errors import ConfigError, ShanshuiError

# command -> (its function, a sentence for `shanshui --help`). A command's module is imported when the command runs:
# PyTorch takes a second to import, and nobody should wait for it to read help.
COMMANDS: Mapping[str, tuple[str, str]] = {
    "demo": ("shanshui.commands.demo:main", "make scenes, stylise a photo, and write a page that shows it all"),
    "generate": ("shanshui.commands.generate:main", "make new scenes out of nothing but a seed"),
    "interpolate": ("shanshui.commands.interpolate:main", "make a film in which scenes turn into each other"),
    "edit": ("shanshui.commands.edit:main", "change scenes by name: brighter, warmer, higher-horizon, more-cloud, ..."),
    "mix": ("shanshui.commands.mix:main", "give scenes the finish of others, with a style-based model"),
    "project": ("shanshui.commands.project:main", "find the scene of a model that is nearest to a photo"),
    "stylize": ("shanshui.commands.stylize:main", "paint photos in a named style, or a blend of styles"),
    "compose": ("shanshui.commands.compose:main", "photo -> style -> natural scene, with a slider between the two"),
    "inpaint": ("shanshui.commands.inpaint:main", "fill what a mask covers, or extend photos beyond their borders"),
    "lut": ("shanshui.commands.lut:main", "write a style's colours as a .cube table for engines and editors"),
    "prepare": ("shanshui.commands.prepare:main", "turn any collection of photos into a clean training archive"),
    "augment": ("shanshui.commands.augment:main", "multiply a labelled data set by variants of its photos"),
    "train": ("shanshui.commands.train:main", "teach a network scenes or styles from your own images"),
    "evaluate": ("shanshui.commands.evaluate:main", "measure how close generated images come to real ones"),
    "export": ("shanshui.commands.export:main", "write a model as ONNX, for engines, phones and browsers"),
    "studio": ("shanshui.commands.studio:main", "paint and make scenes in a page of your browser"),
    "serve": ("shanshui.commands.serve:main", "answer over HTTP, for other programs"),
    "models": ("shanshui.commands.models:main", "list the models that ship with Shanshui or are cached here"),
    "doctor": (
        "shanshui.commands.doctor:main",
        "look at this machine, a data set, or how a picture was made",
    ),
}

PAINTING = frozenset({"stylize", "compose", "inpaint"})
"""Commands whose networks write maps of many megabytes, one after another."""

FAILED = 2
INTERRUPTED = 130
UNHEARD = 141  # what a shell tells of a program that wrote to a closed pipe


def main(argv: Sequence[str]) -> int:
    """Run one command and return its exit code; `argv` is without the program's name."""
    try:
        return _run(argv)
    except ShanshuiError as error:
        print(" ".join(str(error).split()), file=sys.stderr)
        return FAILED
    except BrokenPipeError:  # whoever read the output has left, as `head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return UNHEARD
    except KeyboardInterrupt:
        print("Stopped by Ctrl-C; files that were finished before are kept.", file=sys.stderr)
        return INTERRUPTED
    except SystemExit as error:  # tyro has printed help (0) or what is wrong with the options (2)
        return error.code if isinstance(error.code, int) else 2
    except Exception:  # noqa: BLE001 - the last line of defence: a bug is shown whole
        traceback.print_exc()
        print("This is a bug in Shanshui: please report it with the lines above.", file=sys.stderr)
        return 1


def entry() -> None:
    """What the installed program `shanshui` calls."""
    sys.exit(main(sys.argv[1:]))


def _run(argv: Sequence[str]) -> int:
    if not argv or argv[0] in ("-h", "--help", "help"):
        print(_help(), file=sys.stdout if argv else sys.stderr)
        return 0 if argv else 2
    if argv[0] == "--version":
        print(f"shanshui {__version__}")
        return 0
    name, rest = argv[0], list(argv[1:])
    if name not in COMMANDS:
        nearest = difflib.get_close_matches(name, COMMANDS, n=1)
        advice = f"did you mean {nearest[0]!r}?" if nearest else "run `shanshui --help` for the list."
        raise ConfigError(f"There is no command {name!r}: {advice}")
    if name in PAINTING:
        # PyTorch then asks Linux for memory by 2 MB instead of 4 KB: at 2048 px a quarter of the time went into pages.
        os.environ.setdefault("THP_MEM_ALLOC_ENABLE", "1")
    module, _, function = COMMANDS[name][0].partition(":")
    outcome = getattr(import_module(module), function)(rest)
    _show(outcome)
    return INTERRUPTED if outcome.interrupted else FAILED if outcome.failed else 0


def _show(outcome: Outcome) -> None:
    text = json.dumps(outcome.data, indent=2, ensure_ascii=False) if outcome.as_json else outcome.text
    if text:
        print(text)


def _help() -> str:
    width = max(map(len, COMMANDS))
    rows = "\n".join(f"  {name:<{width}}  {sentence}" for name, (_, sentence) in COMMANDS.items())
    return f"""usage: shanshui COMMAND [OPTIONS]

Shanshui (山水, "mountains and water") learns natural scenes and painting styles with
generative adversarial networks, and turns noise or photographs into stylised scenes.

commands:
{rows}

New here? `shanshui demo` takes no options and shows what the rest is about.
`shanshui COMMAND --help` explains one command; `shanshui --version` prints the version."""
