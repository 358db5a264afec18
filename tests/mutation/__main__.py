"""``python -m tests.mutation``: small changes of the code that the tests must notice. See ``docs/testing.md``."""

from __future__ import annotations

from tests.mutation.driver import main

if __name__ == "__main__":
    raise SystemExit(main())
