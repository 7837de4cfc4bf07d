"""Bokeh's library and figures as text that lies in a page: the same figures give the same bytes."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from importlib import resources, util
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bokeh.models import Model, Range1d


@dataclass(frozen=True)
class Zoomable:
    """A figure, the axis that keys and all its panels share, and how many panels stand side by side."""

    model: Model
    x_range: Range1d
    columns: int = 1


@dataclass(frozen=True)
class Live:
    """What a page needs for its live figures.

    Parameters
    ----------
    ranges
        Key of the still picture to the id of the axis that keys zoom.
    wide
        Keys of those with several panels side by side, which a narrow screen scrolls.
    data
        The figures as JSON; no tag can end in it.
    library, script
        JavaScript: Bokeh, and what puts the figures in their places.
    """

    ranges: Mapping[str, str] = field(default_factory=dict)
    wide: frozenset[str] = frozenset()
    data: str = ""
    library: str = ""
    script: str = ""

    @cached_property
    def hashes(self) -> str:
        """Both scripts as a content security policy names them; no other script of the page runs."""
        digests = (hashlib.sha256(text.encode()).digest() for text in (self.library, self.script))
        return " ".join(f"'sha256-{base64.b64encode(digest).decode()}'" for digest in digests)


NOTHING = Live()


def available() -> bool:
    """Whether Bokeh is installed."""
    return util.find_spec("bokeh") is not None


def embed(figures: Mapping[str, Zoomable]) -> Live:
    """The figures by key, ready for a page."""
    from bokeh.core.json_encoder import serialize_json
    from bokeh.core.validation import silence
    from bokeh.core.validation.warnings import MISSING_RENDERERS
    from bokeh.embed import json_item

    silence(MISSING_RENDERERS)  # a population without a spike leaves its panel empty, which is nothing to warn of

    if not figures:
        return NOTHING
    items, ranges = {}, {}
    names: dict[str, str] = {}
    for key, figure in figures.items():
        item: Any = json_item(figure.model)
        items[key] = _renumbered(item, names)
        ranges[key] = names[figure.x_range.id]
    folder = resources.files("neuroalign.export").joinpath("templates")
    library = resources.files("bokeh").joinpath("server", "static", "js", "bokeh.min.js").read_text(encoding="utf-8")
    script = folder.joinpath("live.js").read_text(encoding="utf-8")
    # A browser looks for the end of a script before it reads what is in it.
    data = json.dumps(json.loads(serialize_json(items)), separators=(",", ":")).replace("<", "\\u003c")
    wide = frozenset(key for key, figure in figures.items() if figure.columns > 1)
    return Live(ranges, wide, data, library, script)


def _renumbered(part: Any, names: dict[str, str]) -> Any:
    """The item with the page's models numbered from 1 as they come: Bokeh counts on through a process."""
    if isinstance(part, dict):
        found = {k: _renumbered(v, names) for k, v in part.items() if k not in ("id", "root_id")}
        return found | {k: _name(part[k], names) for k in ("id", "root_id") if k in part}
    if isinstance(part, list | tuple):
        return [_renumbered(v, names) for v in part]
    return part


def _name(old: str, names: dict[str, str]) -> str:
    return names.setdefault(old, f"n{len(names) + 1}")
