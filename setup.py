"""The README as a package registry shows it, where neither pictures nor pages lie beside it.

Everything else about the package is in pyproject.toml, and what goes into the wheel in setup.cfg.
"""

import re
from pathlib import Path

from setuptools import setup

_PICTURE = re.compile(r"^!\[[^\]]*\]\((?!https?://)[^)]*\)\n\n?", re.MULTILINE)
_LINK = re.compile(r"\[([^\]]*)\]\((?!https?://|#)([^)]*)\)")
_WHERE = "\nThe pages and files that are named in brackets come with the source distribution.\n"


def _named(link: re.Match[str]) -> str:
    """Write a link as its text and the name of the file that it leads to."""
    text, file = link.groups()
    return f"`{file}`" if text.strip("`") == file else f"{text} (`{file}`)"


setup(
    long_description=_LINK.sub(_named, _PICTURE.sub("", Path("README.md").read_text(encoding="utf-8")))
    + _WHERE,
    long_description_content_type="text/markdown",
)
