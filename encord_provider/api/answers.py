"""Reading an HTTP answer, the same way for both clients."""

from __future__ import annotations

from typing import TypeVar

import orjson

from encord_provider.api.calls import Call
from encord_provider.api.errors import (
    REFUSED_BEFORE_WORK,
    TransientAnswer,
    error_for,
    is_transient,
    retry_after_seconds,
)

T = TypeVar("T")


def lost_answer(error: Exception, domain: str, *, carried_out: bool) -> TransientAnswer:
    """Describe an attempt that got no answer.

    Only the kind of error is kept, and the operating system's or TLS's own words for it: its text may hold a URL.
    """
    kind, one, words = type(error).__name__, error.__cause__ or error.__context__, ""
    while one is not None:
        # The first cause is the last one here.
        words = one.strerror if isinstance(one, OSError) and one.strerror else words
        one = one.__cause__ or one.__context__
    said = f"{kind}: {words}" if words else kind
    return TransientAnswer(f"no answer from {domain} ({said})", status=None, carried_out=carried_out)


def read_answer(call: Call[T], domain: str, status: int, body: bytes, retry_after: str | None) -> T:
    """Judge an answer and parse it.

    :raises TransientAnswer: if the call may be tried again.
    :raises EncordError: if Encord refused it.
    """
    if is_transient(status):
        raise TransientAnswer(
            f"{status} from {domain}",
            status=status,
            retry_after=retry_after_seconds(retry_after),
            carried_out=status not in REFUSED_BEFORE_WORK,
        )
    if not 200 <= status <= 299:
        raise error_for(call.what, domain, status, body)
    try:
        document = orjson.loads(body) if body or status == 200 else None
        return call.read(document, retry_after_seconds(retry_after))
    except orjson.JSONDecodeError as error:
        raise TransientAnswer("the answer was cut or is not JSON", status=status, carried_out=True) from error
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise TransientAnswer(
            f"the answer could not be understood ({error!r})", status=status, carried_out=True
        ) from error
