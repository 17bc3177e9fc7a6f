"""The OpenAPI document, by a tool that makes up requests of it: nothing breaks the server."""

from __future__ import annotations

from typing import Any

import schemathesis
from hypothesis import HealthCheck, Phase, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import content_type_conformance, status_code_conformance

from router.gateway.openapi import document

CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance]
schema = schemathesis.openapi.from_dict(document())


@schema.parametrize()
@settings(
    max_examples=15,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
def test_what_it_describes_holds(case: Any, echo_gateway: str) -> None:
    """Whatever is asked, allowed or not, ends in an answer that the document describes."""
    case.call_and_validate(base_url=echo_gateway, checks=CHECKS)
