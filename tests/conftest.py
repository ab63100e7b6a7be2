"""What every test shares: one thread (results do not depend on the machine's cores) and no network."""

import os

# Before any library reads them.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ["HF_HUB_OFFLINE"] = "1"
# Help texts keep their line breaks and carry no colour, whatever terminal runs the tests.
os.environ.update(COLUMNS="200", NO_COLOR="1")

import pytest
import torch


@pytest.fixture(autouse=True, scope="session")
def one_thread() -> None:
    torch.set_num_threads(1)
