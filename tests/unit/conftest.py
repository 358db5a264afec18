"""A bucket with the files of two days, and a bucket that may not be read."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile("unit", deadline=None, database=None, derandomize=True)
settings.register_profile(
    "fuzz",
    deadline=None,
    database=None,
    max_examples=int(os.environ.get("FUZZ_EXAMPLES", "50000")),
    suppress_health_check=list(HealthCheck),
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "unit"))

KEYS = (
    "site=a/dt=2025-03-01/cam 1+2.jpg",
    "site=a/dt=2025-03-01/clip.mp4",
    "site=a/dt=2025-03-01/notes.docx",
    "site=a/dt=2025-03-01/scan/1.dcm",
    "site=a/dt=2025-03-01/scan/2.dcm",
    "site=b/dt=2025-03-01/bäume (3).png",
    "site=b/dt=2025-03-02/later.png",
)


@pytest.fixture
def put(s3: Any, bucket: str) -> Callable[..., None]:
    """Put objects into the bucket."""

    def put_all(*keys: str, body: bytes = b"content") -> None:
        for key in keys:
            s3.put_object(Bucket=bucket, Key=key, Body=body)

    return put_all


@pytest.fixture
def lake(put: Callable[..., None], bucket: str) -> str:
    """The bucket with the files of two days."""
    put(*KEYS)
    return bucket


@pytest.fixture
def workspace(tmp_path: Path) -> str:
    """The URI of a workspace."""
    return (tmp_path / "workspace").as_uri()


class _Forbidden(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        body = b"<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>"
        self.send_response(403)
        self.send_header("x-amz-bucket-region", "eu-west-1")
        self.send_header("Content-Length", str(len(body) if self.command == "GET" else 0))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)

    do_HEAD = do_GET  # noqa: N815 - the name that http.server looks for

    def log_message(self, format: str, *args: Any) -> None:
        """Keep quiet."""


@pytest.fixture
def forbidden_s3(encord: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The connection ``aws_default`` leads to an S3 that permits nothing."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Forbidden)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    aws = {
        "conn_type": "aws",
        "login": "testing-access-key",
        "password": "testing-secret-key",
        "extra": {
            "endpoint_url": f"http://127.0.0.1:{server.server_port}",
            "region_name": "eu-west-1",
        },
    }
    monkeypatch.setenv("AIRFLOW_CONN_AWS_DEFAULT", json.dumps(aws))
    yield
    server.shutdown()
    server.server_close()


@pytest.fixture(autouse=True)
def no_pause_after_patching(monkeypatch: pytest.MonkeyPatch) -> None:
    """Patched items are looked at again at once: nobody else writes in these tests."""
    from encord_provider.metadata import read_back

    monkeypatch.setattr(read_back, "SETTLE_SECONDS", 0.0)
