"""Whatever a file or a word holds, it is used or refused in one sentence; `tests.hostile.fuzz` searches for longer."""

from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.hostile.parsers import PARSERS, pictures, survives, zipped

from shanshui.errors import ShanshuiError

EXAMPLES = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)


def damaged(seeds: list[bytes]) -> st.SearchStrategy[bytes]:
    """A seed that lost its end, had bytes changed, and something put in."""

    def damage(seed: bytes, keep: float, edits: list[tuple[float, bytes]]) -> bytes:
        content = seed[: max(1, round(keep * len(seed)))]
        for where, put in edits:
            place = round(where * len(content))
            content = content[:place] + put + content[place + len(put) :]
        return content

    place = st.floats(0, 1)
    edits = st.lists(st.tuples(place, st.binary(min_size=1, max_size=4)), max_size=6)
    return st.builds(damage, st.sampled_from(seeds), st.one_of(st.just(1.0), place), edits)


@pytest.mark.filterwarnings("ignore")  # decoders warn of damage before they give up
@pytest.mark.parametrize("name", PARSERS)
def test_damage_is_refused_or_read(name: str) -> None:
    parser = PARSERS[name]

    @EXAMPLES
    @given(st.one_of(damaged(list(parser.seeds())), st.binary(max_size=64)))
    def check(content: bytes) -> None:
        survives(parser, content)

    check()


@pytest.mark.parametrize("name", PARSERS)
def test_the_seeds_are_what_parsers_read(name: str) -> None:
    """At least one of them, or a search would never come past the first check."""
    outcomes = []
    for seed in PARSERS[name].seeds():
        outcomes.append(_read(PARSERS[name].read, seed))
    assert any(outcomes) or name in ("onnx", "shards")  # the graph is a stump, and the tars are not beside the index


def _read(read: Callable[[bytes], object], content: bytes) -> bool:
    try:
        read(content)
    except ShanshuiError:
        return False
    return True


@pytest.mark.parametrize("name", ["snapshot", "state", "shards", "manifest", "journal"])
def test_deep_brackets_do_not_overflow(name: str) -> None:
    deep = b"[" * 200_000
    for content in (deep, b'{"a":' * 100_000, _safetensors(b'{"__metadata__":{"shanshui.snapshot":"' + deep + b'"}}')):
        survives(PARSERS[name], content)


def test_a_zip_with_a_nameless_member_is_read_without_it() -> None:
    content = zipped({"x": b"", "a.png": pictures()[0]})
    directory = content.rfind(b"PK\1\2", 0, content.rfind(b"PK\1\2"))
    lengths = directory + 28  # of the name, and of an extra field that takes its byte
    survives(PARSERS["zip"], content[:lengths] + b"\0\0\1\0" + content[lengths + 4 :])


def _safetensors(header: bytes) -> bytes:
    return len(header).to_bytes(8, "little") + header
