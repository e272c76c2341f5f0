"""Hiding keys and passwords wherever text is shown."""

from __future__ import annotations

import re
from collections.abc import Mapping

HIDDEN = "***"
_LEAST_HIDDEN = 4
"""A shorter value would blot out harmless letters all over a text."""

_PASSWORDS = (re.compile(r"(://[^:/@]*:)(.+)(?=@)"), re.compile(r"([?&]password=)([^&]+)"))
"""In a URL: up to the last @, since an @ in a password may stand as it is."""
_SECRET_VARIABLE = re.compile("KEY|TOKEN|SECRET|PASSWORD", re.IGNORECASE)


def redact(text: str, environment: Mapping[str, str]) -> str:
    """The text without the value of any variable that is named like a key, token, secret or password."""
    secrets = {
        value
        for name, value in environment.items()
        if _SECRET_VARIABLE.search(name) and len(value) >= _LEAST_HIDDEN
    }
    for secret in sorted(secrets, key=len, reverse=True):
        text = text.replace(secret, HIDDEN)
    return text


def without_password(url: str) -> str:
    """A URL as it may be shown."""
    for password in _PASSWORDS:
        url = password.sub(rf"\1{HIDDEN}", url)
    return url
