"""Answers as the API's description shows them."""

import copy
from typing import Any

from carewire_ingress.adapters.openapi import EXAMPLES


def example(operation: str, status: int) -> Any:
    """The example of an answer, as in `GET /v1/requests`, 200."""
    return copy.deepcopy(EXAMPLES[operation][str(status)])
