"""The emulator as a server: in this process, in a thread of its own."""

from __future__ import annotations

import asyncio
import logging
import socket
import tempfile
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self, TypeVar

import uvicorn

from encord_provider.emulator.app import EmulatorApp, new_store
from encord_provider.emulator.core.faults import Fault, FaultKind
from encord_provider.emulator.core.guard import is_loopback, poses_as_encord
from encord_provider.emulator.core.keys import KeyPair, load_key_pair, make_key_pair, save_private_key
from encord_provider.emulator.core.settings import Settings
from encord_provider.emulator.core.snapshot import dump
from encord_provider.emulator.core.state_file import StateFile
from encord_provider.emulator.core.store import Store

T = TypeVar("T")

_START_SECONDS = 30


@dataclass(eq=False, kw_only=True, repr=False)
class EncordEmulator:
    """An emulated Encord, served on a loopback port from a thread.

    Use it as a context manager, or call :meth:`start` and :meth:`stop`.

    :param host: address to listen on.
    :param port: port to listen on; 0 takes a free one.
    :param s3_endpoint: S3 endpoint in which objects are looked up; without it they are taken to exist.
    :param key_file: private key of the first user, made if it does not exist; without it a key in a temporary
        folder.
    :param settings: switches to begin with and to return to at a reset.
    :param seed: decides every UUID, key and probability.
    :param clock_speed: virtual seconds per second; 0 for a clock that only :meth:`advance_clock` moves.
    :param state_file: keep the state there, and begin with it if the file exists. What an answered call did is there
        even if the process is killed.
    :param allow_remote: permit a host that is not loopback, and requests that ask for one. There is no protection
        against the callers then.
    :raises ValueError: ``host`` is not loopback, or poses as the real service.
    """

    host: str = "127.0.0.1"
    port: int = 0
    s3_endpoint: str | None = None
    key_file: Path | None = None
    settings: Settings | None = None
    seed: int | None = None
    clock_speed: float = 1.0
    state_file: Path | None = None
    allow_remote: bool = False
    _temporary: tempfile.TemporaryDirectory[str] | None = field(init=False, default=None)
    _key: KeyPair | None = field(init=False, default=None)
    _app: EmulatorApp | None = field(init=False, default=None)
    _loop: asyncio.AbstractEventLoop | None = field(init=False, default=None)
    _server: uvicorn.Server | None = field(init=False, default=None)
    _thread: threading.Thread | None = field(init=False, default=None)
    _socket: socket.socket | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        if poses_as_encord(self.host):
            raise ValueError(f"the emulator does not pose as {self.host}, which belongs to the real service")
        if not self.allow_remote and not is_loopback(self.host):
            raise ValueError(
                f"{self.host} is not a loopback address; allow remote callers explicitly if you mean it"
            )

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def url(self) -> str:
        """Where it listens, the ``domain`` for the SDK: ``http://127.0.0.1:<port>``."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}"

    @property
    def private_key(self) -> str:
        """OpenSSH private key of the first user."""
        return self._require(self._key).private_key

    @property
    def private_key_path(self) -> Path:
        """File that holds :attr:`private_key`."""
        return self._require(self.key_file)

    @property
    def store(self) -> Store:
        """The state. Touch it only through :meth:`call`, because the server's thread works on it."""
        return self._require(self._app).store

    def start(self) -> Self:
        """Listen, and return when requests are answered.

        :raises OSError: the port is taken.
        """
        self._key, self.key_file = self._prepare_key()
        family = socket.AF_INET6 if ":" in self.host else socket.AF_INET
        # The protocol is given because asyncio sets TCP_NODELAY only on sockets that name it; without that option
        # every small answer takes 40 ms.
        self._socket = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._socket.bind((self.host, self.port))
        self.port = self._socket.getsockname()[1]
        ready = threading.Event()
        failures: list[BaseException] = []
        self._thread = threading.Thread(
            target=self._serve, args=(ready, failures), name="encord-emulator", daemon=True
        )
        self._thread.start()
        if not ready.wait(_START_SECONDS):
            raise TimeoutError(f"the emulator did not start within {_START_SECONDS} s")
        if failures:
            raise failures[0]
        return self

    def stop(self) -> None:
        """Stop listening and drop the state."""
        if self._server is not None and self._loop is not None:
            app = self._require(self._app)
            self._server.should_exit = True
            self._loop.call_soon_threadsafe(lambda: app.store.tell("wake"))
        self.join()
        if self._temporary is not None:
            self._temporary.cleanup()
            self._temporary = self.key_file = None

    def join(self, timeout: float | None = None) -> bool:
        """Wait for the server to end.

        :returns: whether it has ended.
        """
        if self._thread is not None:
            self._thread.join(timeout)
            return not self._thread.is_alive()
        return True

    def call(self, function: Callable[[Store], T]) -> T:
        """Carry out ``function`` on the state in the server's thread and return its result."""

        async def run() -> T:
            store = self.store
            try:
                return function(store)
            finally:
                store.changes += 1

        return asyncio.run_coroutine_threadsafe(run(), self._require(self._loop)).result()

    def reset(self) -> None:
        """Begin again with an empty state, no faults and the settings of the start."""
        self.call(lambda _: self._require(self._app).reset())

    def inject_fault(self, kind: FaultKind | str, **fields: Any) -> Fault:
        """Make something go wrong; see :class:`encord_provider.emulator.core.faults.Fault` for the fields."""
        return self.add_fault(Fault.from_json({"kind": str(kind), **fields}))

    def add_fault(self, fault: Fault) -> Fault:
        """Put a fault into force."""
        return self.call(lambda store: store.faults.add(fault))

    def clear_faults(self) -> None:
        """End all faults."""
        self.call(lambda store: store.faults.clear())

    def change_settings(self, **changes: Any) -> None:
        """Change switches; see :class:`encord_provider.emulator.core.settings.Settings`."""

        def change(store: Store) -> None:
            store.settings = store.settings.changed(changes)

        self.call(change)

    def set_clock_speed(self, speed: float) -> None:
        """Set how many virtual seconds pass per second; 0 stops the clock."""
        self.call(lambda store: store.clock.set_speed(speed))

    def advance_clock(self, seconds: float) -> None:
        """Move the clock forward."""
        self.call(lambda store: store.clock.advance(seconds))

    def snapshot(self) -> bytes:
        """The whole state, to be given to :meth:`restore` later."""
        return self.call(lambda store: b"".join(dump(store)))

    def restore(self, snapshot: bytes) -> None:
        """Begin again with the state of a snapshot, which another emulator may have made."""
        self.call(lambda _: self._require(self._app).restore(snapshot.splitlines()))

    def requests(self, route: str | None = None) -> list[dict[str, Any]]:
        """The latest requests, of one route if given."""
        entries = self.call(lambda store: [entry.as_dict() for entry in store.requests.entries()])
        return [entry for entry in entries if route is None or entry["route"] == route]

    def connection_json(self) -> dict[str, Any]:
        """An Airflow connection of type ``encord`` to this emulator."""
        return {"conn_type": "encord", "extra": {"domain": self.url, "private_key": self.private_key}}

    def _make_store(self) -> Store:
        return new_store(
            first_key=self._require(self._key).public_hex,
            s3_endpoint=self.s3_endpoint,
            settings=self.settings,
            seed=self.seed,
            clock_speed=self.clock_speed,
        )

    def _prepare_key(self) -> tuple[KeyPair, Path]:
        path = self.key_file
        if path is None:
            self._temporary = tempfile.TemporaryDirectory(prefix="encord-emulator-")
            path = Path(self._temporary.name) / "private_key"
        elif path.exists():
            return load_key_pair(path), path
        seed = None if self.seed is None else self.seed.to_bytes(32, "big")
        key = make_key_pair(seed)
        save_private_key(path, key)
        return key, path

    def _serve(self, ready: threading.Event, failures: list[BaseException]) -> None:
        try:
            asyncio.run(self._serve_async(ready))
        except BaseException as error:
            failures.append(error)
            ready.set()

    async def _serve_async(self, ready: threading.Event) -> None:
        self._loop = asyncio.get_running_loop()
        self._app = EmulatorApp(self._make_store, any_host=self.allow_remote)
        config = uvicorn.Config(
            self._app,
            log_config=None,
            log_level=logging.WARNING,
            access_log=False,
            lifespan="off",
            timeout_graceful_shutdown=1,
            # Longer than clients keep connections, so that no request meets a connection being closed.
            timeout_keep_alive=75,
        )
        self._server = _QuietServer(config, ready)
        app = self._app
        state, saving = StateFile(self.state_file) if self.state_file else None, None
        if state is not None:
            state.open(app.store)
            app.keep = state.keep
            saving = asyncio.ensure_future(state.keep_saving(lambda: app.store))
        await self._server.serve(sockets=[self._require(self._socket)])
        if state is not None and saving is not None:
            saving.cancel()
            state.keep(app.store)
            state.close()
        await app.store.close()

    @staticmethod
    def _require(value: T | None) -> T:
        if value is None:
            raise RuntimeError("the emulator is not running")
        return value


class _QuietServer(uvicorn.Server):
    """A server that says when it is ready and leaves signals to others."""

    def __init__(self, config: uvicorn.Config, ready: threading.Event) -> None:
        super().__init__(config)
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._ready.set()
