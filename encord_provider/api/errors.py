"""From an HTTP answer, or none, to the error that a user can act on."""

from __future__ import annotations

from email.utils import parsedate_to_datetime
from time import time
from typing import Any

import orjson

from encord_provider.exceptions import (
    EncordAuthenticationError,
    EncordError,
    EncordNotFoundError,
    EncordPermissionError,
    EncordRequestError,
)

REFUSED_BEFORE_WORK = frozenset({429, 503})
"""Answers that say the call was not carried out, so that any call may be sent again."""

_NOT_SERVED = frozenset({501, 505})
"""5xx answers that say the server will never do this, whoever asks."""

_MESSAGE_MAX = 500


class TransientAnswer(Exception):  # noqa: N818 - not an error yet: the retry layer decides
    """An attempt that may be repeated.

    :param message: what happened, without any secret.
    :param status: the HTTP status, or None when no whole answer came.
    :param retry_after: seconds that Encord asked to wait, or None.
    :param carried_out: whether the call may have been carried out all the same.
    """

    def __init__(
        self, message: str, *, status: int | None, retry_after: float | None = None, carried_out: bool
    ) -> None:
        super().__init__(message)
        self.status = status
        self.retry_after = retry_after
        self.carried_out = carried_out


def is_transient(status: int) -> bool:
    """Whether an answer is a transport error, so that asking again may help."""
    return status in (408, 425, 429) or (500 <= status <= 599 and status not in _NOT_SERVED)


def retry_after_seconds(header: str | None) -> float | None:
    """Read a Retry-After header, in either of the two forms of RFC 9110, section 10.2.3.

    :returns: seconds from now, never negative; None if there is no header or it cannot be read.
    """
    if not header:
        return None
    try:
        return max(0.0, float(header))
    except ValueError:
        pass
    try:
        return max(0.0, parsedate_to_datetime(header).timestamp() - time())
    except (TypeError, ValueError):
        return None


def _server_message(body: bytes) -> str:
    try:
        answer: Any = orjson.loads(body)
    except orjson.JSONDecodeError:
        return ""
    if not isinstance(answer, dict):
        return ""
    detail = answer.get("message") or answer.get("detail") or ""
    if isinstance(detail, list):
        detail = "; ".join(
            f"{'.'.join(str(step) for step in row.get('loc', ()))}: {row.get('msg', '')}"
            if isinstance(row, dict)
            else str(row)
            for row in detail
        )
    text = str(detail)
    return text if len(text) <= _MESSAGE_MAX else f"{text[:_MESSAGE_MAX]}..."


def error_for(what: str, domain: str, status: int, body: bytes) -> EncordError:
    """Turn a final answer that is not a success into an error.

    :param what: what was tried, in words.
    :param domain: the API domain, named because a key is known to one region only.
    :param status: the HTTP status.
    :param body: the body of the answer, of which only a ``message`` or ``detail`` is shown.
    """
    said = _server_message(body)
    says = f" Encord says: {said}" if said else ""
    could_not = f"Could not {what}: {status}."
    if status == 401:
        return EncordAuthenticationError(
            f"{could_not} {domain} does not accept this key or token. A key belongs to one region: check "
            "that the connection's API domain is where the key is registered (EU https://api.encord.com, "
            f"US https://api.us.encord.com), and that the machine's clock is right.{says}",
            status=status,
        )
    if status == 403:
        return EncordPermissionError(
            f"{could_not} The user of this key may not do that, or the folder, item or integration does not "
            f"exist in this organisation. Registering data needs the Admin role on the integration.{says}",
            status=status,
        )
    if status == 404:
        return EncordNotFoundError(f"{could_not} There is no such thing on {domain}.{says}", status=status)
    if 300 <= status < 400:
        return EncordRequestError(
            f"{could_not} {domain} answered with a redirect, and a signed call follows none. "
            "Set the connection's API domain to the final address.",
            status=status,
        )
    if status == 413:
        return EncordRequestError(
            f"{could_not} The request is too large; build the upload spec with a smaller max_units_per_part.{says}",
            status=status,
        )
    return EncordRequestError(f"{could_not}{says or ' Encord gave no reason.'}", status=status)
