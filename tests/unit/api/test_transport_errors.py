"""Transport errors are ridden out, for every call, in both clients; errors that stay are raised at once."""

from __future__ import annotations

import inspect
import socket
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from encord_provider.api import calls
from encord_provider.api.async_client import AsyncEncordApi
from encord_provider.api.client import EncordApi
from encord_provider.api.retry import RetryBudget
from encord_provider.exceptions import (
    EncordAuthenticationError,
    EncordError,
    EncordNotFoundError,
    EncordPermanentError,
    EncordPermissionError,
    EncordRequestError,
    EncordUnavailableError,
)
from tests.helpers.api import Lake, Perform, upload_request, user_config

if TYPE_CHECKING:
    from encord_provider.emulator.server import EncordEmulator

CALLS: dict[str, Callable[[Lake], calls.Call[Any]]] = {
    "start_upload_job": lambda lake: calls.start_upload_job(upload_request(lake.folder, ["a", "c"])),
    "poll_upload_job": lambda lake: calls.get_upload_job(lake.folder, lake.job_id),
    "cancel_upload_job": lambda lake: calls.cancel_upload_job(lake.folder, lake.job_id),
    "list_folder_items": lambda lake: calls.list_items(lake.folder),
    "get_folder_summary": lambda lake: calls.get_folder_summary(lake.folder),
    "list_child_items": lambda lake: calls.get_child_items(lake.folder, lake.items[0].uuid),
    "get_items": lambda lake: calls.get_storage_items([item.uuid for item in lake.items]),
    "patch_items": lambda lake: calls.patch_storage_items({lake.items[0].uuid: {"site": "a"}}),
    "list_cloud_integrations": lambda lake: calls.get_cloud_integrations(),
    "get_metadata_schema": lambda lake: calls.get_metadata_schema(),
    "set_metadata_schema": lambda lake: calls.save_metadata_schema({}),
    "get_folder": lambda lake: calls.get_folder(lake.folder),
    "start_cloud_sync": lambda lake: calls.start_cloud_sync(lake.synced),
    "poll_cloud_sync": lambda lake: calls.get_cloud_sync(lake.synced, lake.sync_id),
    "get_folder_config": lambda lake: calls.get_folder_config(lake.synced),
    "set_folder_config": lambda lake: calls.save_folder_config(lake.synced, {}),
}
FAULTS: dict[str, dict[str, Any]] = {
    "429": {"kind": "status", "status": 429},
    "429 with Retry-After": {"kind": "status", "status": 429, "retry_after": 0},
    "500": {"kind": "status", "status": 500},
    "502": {"kind": "status", "status": 502},
    "503": {"kind": "status", "status": 503},
    "504": {"kind": "status", "status": 504},
    "522": {"kind": "status", "status": 522},
    "reset before": {"kind": "reset_before"},
    "reset after": {"kind": "reset_after"},
    "truncated": {"kind": "truncated_body"},
    "slow": {"kind": "slow_body", "seconds": 0.1},
}


def test_a_call_is_named_as_the_function_that_defines_it(lake: Lake) -> None:
    defined = {
        name
        for name, function in vars(calls).items()
        if callable(function)
        and getattr(function, "__annotations__", {}).get("return", "").startswith("Call[")
    }
    made = {make(lake).name for make in CALLS.values()}
    assert made == defined
    assert all(f"calls.{make(lake).name}(" in inspect.getsource(make) for make in CALLS.values())


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("route", CALLS)
def test_a_fault_that_passes_does_not_show(
    route: str, fault: str, lake: Lake, perform: Perform, encord_emulator: EncordEmulator
) -> None:
    call = CALLS[route](lake)
    expected = perform(call)
    already = len(encord_emulator.requests(route))
    fields = dict(FAULTS[fault])
    encord_emulator.inject_fault(fields.pop("kind"), route=route, count=1, **fields)
    answer = perform(call)
    asked = encord_emulator.requests(route)[already:]
    assert [entry["fault"] is not None for entry in asked] == [True] + [False] * (len(asked) - 1)
    # An empty answer cannot be cut, and a slow one is whole in the end.
    assert len(asked) == 1 if fault == "slow" else len(asked) in (1, 2)
    if route in ("start_upload_job", "start_cloud_sync"):
        assert answer != expected, "a job of its own"
    elif route != "cancel_upload_job":
        assert answer == expected


@pytest.mark.parametrize(
    ("status", "error", "advice"),
    [
        (400, EncordRequestError, "Encord says: Emulated error 400"),
        (401, EncordAuthenticationError, "check that the connection's API domain"),
        (403, EncordPermissionError, "Admin role on the integration"),
        (404, EncordNotFoundError, "There is no such thing"),
        (409, EncordRequestError, "Emulated error 409"),
        (413, EncordRequestError, "smaller max_units_per_part"),
        (422, EncordRequestError, "Emulated error 422"),
        (501, EncordRequestError, "Emulated error 501"),
    ],
)
@pytest.mark.parametrize("route", CALLS)
def test_an_error_that_stays_is_raised_at_once_and_says_what_to_do(
    route: str,
    status: int,
    error: type[EncordError],
    advice: str,
    lake: Lake,
    perform: Perform,
    encord_emulator: EncordEmulator,
) -> None:
    already = len(encord_emulator.requests(route))
    encord_emulator.inject_fault("status", route=route, status=status)
    with pytest.raises(error, match=advice) as raised:
        perform(CALLS[route](lake))
    assert len(encord_emulator.requests(route)) == already + 1
    assert isinstance(raised.value, EncordPermanentError)
    assert raised.value.status == status


@pytest.mark.parametrize("fault", ["500", "502", "504", "reset before", "reset after", "truncated"])
def test_a_spec_that_skips_no_duplicates_is_not_sent_twice(
    fault: str, folder: str, perform: Perform, encord_emulator: EncordEmulator
) -> None:
    fields = dict(FAULTS[fault])
    encord_emulator.inject_fault(fields.pop("kind"), route="start_upload_job", count=1, **fields)
    with pytest.raises(EncordUnavailableError, match="could do it twice") as raised:
        perform(calls.start_upload_job(upload_request(folder, ["a"], skips=False)))
    assert raised.value.carried_out
    answered = {"truncated": 200}  # with half of an answer
    assert raised.value.status == FAULTS[fault].get("status", answered.get(fault))
    assert len(encord_emulator.requests("start_upload_job")) == 1


@pytest.mark.parametrize("status", [429, 503])
def test_a_spec_that_skips_no_duplicates_is_sent_again_when_it_was_turned_away(
    status: int, folder: str, perform: Perform, encord_emulator: EncordEmulator
) -> None:
    encord_emulator.inject_fault("status", route="start_upload_job", status=status, count=2)
    perform(calls.start_upload_job(upload_request(folder, ["a"], skips=False)))
    assert len(encord_emulator.requests("start_upload_job")) == 3


@pytest.mark.parametrize("client", ["sync", "async"])
async def test_retry_after_is_waited_for(client: str, lake: Lake, encord_emulator: EncordEmulator) -> None:
    pauses: list[float] = []
    encord_emulator.inject_fault("status", route="poll_upload_job", status=429, retry_after=7, count=1)
    call = calls.get_upload_job(lake.folder, lake.job_id)
    config = user_config(encord_emulator)
    if client == "sync":
        with EncordApi(user_config=config, sleep=pauses.append) as api:
            api.perform(call)
    else:

        async def sleep(seconds: float) -> None:
            pauses.append(seconds)

        async with AsyncEncordApi(user_config=config, sleep=sleep) as api_on_loop:
            await api_on_loop.perform(call)
    assert pauses == [7.0]


def test_the_pauses_grow_with_jitter_up_to_their_limit(lake: Lake, encord_emulator: EncordEmulator) -> None:
    pauses: list[float] = []
    encord_emulator.inject_fault("status", route="poll_upload_job", status=503, count=8)
    with EncordApi(user_config=user_config(encord_emulator), sleep=pauses.append) as api:
        api.perform(calls.get_upload_job(lake.folder, lake.job_id))
    assert len(pauses) == 8
    for number, pause in enumerate(pauses):
        assert min(0.5 * 2**number, 30) <= pause <= min(0.5 * 2**number, 30) + 0.5
    assert len({round(pause % 0.5, 6) for pause in pauses}) > 1


def test_the_budget_bounds_the_time_and_is_named(lake: Lake, encord_emulator: EncordEmulator) -> None:
    encord_emulator.inject_fault("status", route="poll_upload_job", status=503)
    budget = RetryBudget(seconds=0.3, first_wait=0.05, hint=" Set it higher.")
    with (
        EncordApi(user_config=user_config(encord_emulator), budget=budget) as api,
        pytest.raises(EncordUnavailableError, match=r"503.* of 0\.3 s\. Set it higher\.") as raised,
    ):
        api.perform(calls.get_upload_job(lake.folder, lake.job_id))
    assert raised.value.status == 503
    assert not isinstance(raised.value, EncordPermanentError)


def test_a_pause_beyond_the_budget_is_not_made(lake: Lake, encord_emulator: EncordEmulator) -> None:
    pauses: list[float] = []
    encord_emulator.inject_fault("status", route="poll_upload_job", status=429, retry_after=3600)
    with (
        EncordApi(user_config=user_config(encord_emulator), sleep=pauses.append) as api,
        pytest.raises(EncordUnavailableError, match="left alone for 3600 s"),
    ):
        api.perform(calls.get_upload_job(lake.folder, lake.job_id))
    assert pauses == []


async def test_where_nobody_listens_nothing_can_have_been_done(
    encord_emulator: EncordEmulator, folder: str
) -> None:
    budget = RetryBudget(seconds=0.1, first_wait=0.01)
    call = calls.start_upload_job(upload_request(folder, ["a"], skips=False))
    with socket.socket() as taken:
        # Bound, but not listening: connections are refused.
        taken.bind(("127.0.0.1", 0))
        config = user_config(encord_emulator, domain=f"http://127.0.0.1:{taken.getsockname()[1]}")
        with (
            EncordApi(user_config=config, budget=budget) as api,
            pytest.raises(EncordUnavailableError, match="Given up after") as raised,
        ):
            api.perform(call)
        assert not raised.value.carried_out
        async with AsyncEncordApi(user_config=config, budget=budget) as api_on_loop:
            with pytest.raises(EncordUnavailableError, match="Given up after") as raised:
                await api_on_loop.perform(call)
        assert not raised.value.carried_out


@pytest.mark.parametrize("answer", [None, 17, "no uuid", ["a"]])
def test_a_start_that_is_answered_without_a_uuid_has_no_job(answer: Any, folder: str) -> None:
    with pytest.raises((TypeError, ValueError)):
        calls.start_upload_job(upload_request(folder, ["a"])).parse(answer)


def test_what_is_sent_is_signed_and_follows_no_redirect(perform: Perform, folder: str) -> None:
    """A server that redirects gets the signed call once; the place that it points to gets nothing."""
    import threading
    from http.server import BaseHTTPRequestHandler, HTTPServer

    seen: list[tuple[str, bool]] = []

    class Redirecting(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            seen.append((self.path.partition("?")[0], "Signature" in self.headers))
            self.send_response(307)
            self.send_header("Location", f"http://127.0.0.1:{self.server.server_port}/elsewhere")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *args: Any) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Redirecting)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    call = replace(calls.get_cloud_integrations())
    object.__setattr__(call, "url", lambda domain: f"http://127.0.0.1:{server.server_port}/v2/public/start")
    try:
        with pytest.raises(EncordRequestError, match="a signed call follows none"):
            perform(call)
    finally:
        server.shutdown()
        server.server_close()
    assert seen == [("/v2/public/start", True)]
