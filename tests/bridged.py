"""Calls of code that knows only ``requests``."""

from __future__ import annotations

from typing import Any

import requests

from mockspi.testing import AppBox

BASE = "https://pos-merchant.example/spi/1.0"


def got(box: AppBox, **options: Any) -> requests.Response:
    return requests.get(box.url("GET_CUSTOMER", customerId="C-1001"), **{"timeout": 5, **options})
