"""Command line of the emulator."""

from __future__ import annotations

import argparse
import gc
import json
import logging
import signal
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from encord_provider.emulator.core.errors import ApiError
from encord_provider.emulator.core.faults import Fault
from encord_provider.emulator.core.settings import Settings
from encord_provider.emulator.server import EncordEmulator


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the emulator until it is interrupted.

    Prints one line of JSON on standard output when it answers requests, logs to standard error.

    :returns: exit status: 0, or 2 if it cannot start.
    """
    options = _parser().parse_args(arguments)
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    try:
        settings = Settings().changed(dict(_setting(text) for text in options.set))
        faults = [Fault.from_json(json.loads(text)) for text in options.fault]
        names = ("host", "port", "s3_endpoint", "key_file", "seed", "clock_speed", "allow_remote")
        given = {name: getattr(options, name) for name in names}
        emulator = EncordEmulator(settings=settings, state_file=options.state, **given)
        emulator.start()
    except (ValueError, OSError, ApiError) as error:
        print(f"cannot start the emulator: {error}", file=sys.stderr)
        return 2
    for fault in faults:
        emulator.add_fault(fault)
    # Collecting garbage among a million items takes longer than a request should.
    gc.set_threshold(100_000, 50, 100)
    stopping = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopping.set())
    print(json.dumps({"url": emulator.url, "private_key_path": str(emulator.private_key_path)}), flush=True)
    stopping.wait()
    emulator.stop()
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m encord_provider.emulator",
        description="A local Encord for tests. Settings: " + ", ".join(Settings.names()) + ".",
    )
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default %(default)s)")
    parser.add_argument("--port", type=int, default=0, help="port to listen on (default: a free one)")
    parser.add_argument(
        "--s3-endpoint", metavar="URL", help="look objects up there; else they are taken to exist"
    )
    parser.add_argument(
        "--key-file",
        type=Path,
        metavar="PATH",
        help="private key of the first user, made if it does not exist",
    )
    parser.add_argument("--state", type=Path, metavar="FILE", help="keep the state there across restarts")
    parser.add_argument("--seed", type=int, help="decides every UUID, key and probability")
    parser.add_argument(
        "--clock-speed",
        type=float,
        default=1.0,
        help="virtual seconds per second; 0: moved by hand (default 1)",
    )
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="change a setting")
    parser.add_argument("--fault", action="append", default=[], metavar="JSON", help="begin with this fault")
    parser.add_argument(
        "--allow-remote", action="store_true", help="permit a host that is not loopback (no protection then)"
    )
    return parser


def _setting(text: str) -> tuple[str, Any]:
    name, separator, value = text.partition("=")
    if not separator:
        raise ValueError(f"--set takes NAME=VALUE, not {text!r}")
    return name, Settings.parse_text(name, value)
