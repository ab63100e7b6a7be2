"""Where models are: the zoo inside the package, files, and the Hugging Face hub."""

from pathlib import Path

from shanshui.checkpoints.hub import WEIGHTS, fetched
from shanshui.errors import ModelError

ZOO = Path(__file__).parent.parent / "zoo"
SUFFIX = ".safetensors"


def shipped() -> dict[str, Path]:
    """Name -> file of every model inside the package, by name."""
    return {path.stem: path for path in sorted(ZOO.glob(f"*{SUFFIX}"), key=lambda path: path.stem)}


def resolve(name: str | Path) -> Path:
    """The file that `name` stands for: a zoo name, the path of a file, or a hub id `owner/name`.

    A hub id is taken from the local cache where possible; only this branch ever opens a connection.

    Raises:
        ModelError: nothing has this name, or the hub cannot give it.
    """
    if isinstance(name, str) and name in shipped():
        return shipped()[name]
    path = Path(name)
    if path.is_file():
        return path
    if path.is_dir():
        raise ModelError(f"{path} is a folder: name one .safetensors file in it.")
    if isinstance(name, str) and name.count("/") == 1 and path.suffix == "":
        return fetched(name, WEIGHTS)
    raise ModelError(f"There is no model {str(name)!r}: the models that ship are {', '.join(shipped()) or 'none'}.")
