"""What a page holds compressed: the chart library and the explanations. The browser unpacks them."""

from __future__ import annotations

import base64
import zlib

from momentum.ledger.fields import to_json
from momentum.report.markup import Markup, el

_GZIP = 16 + zlib.MAX_WBITS
"""The gzip format, without a moment or a name in it: the same text, the same bytes."""


def chart_library() -> Markup:
    """plotly.js with its licence, in two fifths of its size; `report.js` runs it."""
    from plotly.offline import get_plotlyjs

    return _packed("plotly", get_plotlyjs())


def packed_data(name: str, value: object) -> Markup:
    """A JSON document for the page's script that would be long as text."""
    return _packed(name, to_json(value))


def unpacked(text: str) -> str:
    """The text again."""
    return zlib.decompress(base64.b64decode(text), _GZIP).decode()


def _packed(name: str, text: str) -> Markup:
    packer = zlib.compressobj(9, zlib.DEFLATED, _GZIP)
    packed = packer.compress(text.encode()) + packer.flush()
    return el("script", Markup(base64.b64encode(packed).decode()), id=name, type="application/gzip")
