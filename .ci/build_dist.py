#!/usr/bin/env python3
"""Build the wheel and the source distribution from what git knows, the same bytes whenever and wherever that is.

    .ci/build_dist.py FOLDER

Times are those of ``SOURCE_DATE_EPOCH``, by default of the last commit. Files that git ignores are not looked at.
"""

from __future__ import annotations

import gzip
import io
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def git(*words: str) -> str:
    """Give what git prints."""
    return subprocess.run(["git", "-C", str(ROOT), *words], check=True, capture_output=True, text=True).stdout


def copied(target: Path) -> None:
    """Copy the tree that git knows, with the changes that are not committed, in modes that no umask changes."""
    for name in git("ls-files", "--cached", "--others", "--exclude-standard").splitlines():
        source = ROOT / name
        if source.is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, target / name)
            (target / name).chmod(0o755 if os.access(source, os.X_OK) else 0o644)


def repacked(sdist: Path, epoch: int) -> None:
    """Take times, owners and the order of the directory out of a source distribution; setuptools leaves them in."""
    packed = io.BytesIO()
    with tarfile.open(sdist) as old, tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as new:
        for member in sorted(old.getmembers(), key=lambda one: one.name):
            member.mtime, member.uid, member.gid, member.uname, member.gname = epoch, 0, 0, "", ""
            member.mode = 0o755 if member.isdir() or member.mode & 0o100 else 0o644
            member.pax_headers = {}
            new.addfile(member, old.extractfile(member) if member.isfile() else None)
    sdist.write_bytes(gzip.compress(packed.getvalue(), mtime=0))


def main(target: Path) -> int:
    """Build both into a folder."""
    epoch = int(os.environ.get("SOURCE_DATE_EPOCH") or git("log", "-1", "--format=%ct"))
    uv = Path(sys.executable).with_name("uv")
    with tempfile.TemporaryDirectory() as folder:
        copied(Path(folder))
        subprocess.run(
            [uv, "build", "--quiet", "--sdist", "--wheel", "--out-dir", target, folder],
            check=True,
            env={**os.environ, "SOURCE_DATE_EPOCH": str(epoch)},
        )
    for sdist in target.glob("*.tar.gz"):
        repacked(sdist, epoch)
    return 0


if __name__ == "__main__":
    raise SystemExit(main(Path(sys.argv[1]).resolve()))
