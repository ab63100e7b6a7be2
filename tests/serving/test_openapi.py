"""What the API says of itself holds, whatever is sent: found out by schemathesis."""

from typing import Any

import schemathesis
from hypothesis import HealthCheck, Phase, given, settings

BRIEF = settings(
    max_examples=12,
    derandomize=True,
    database=None,
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)

# That a style, a photo and a mask fit together is more than a schema can say.
BEYOND = [schemathesis.checks.positive_data_acceptance]


def test_every_answer_is_described(server: Any) -> None:
    api: Any = schemathesis.openapi.from_url(f"{server.client.base_url}/openapi.json")
    asked = 0
    for operation in api.get_all_operations():

        @BRIEF
        @given(case=operation.ok().as_strategy())
        def check(case: Any) -> None:
            nonlocal asked
            asked += 1
            case.call_and_validate(excluded_checks=BEYOND, timeout=120)

        check()
    assert asked > 60
