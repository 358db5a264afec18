"""Errors that the emulator answers with."""

from __future__ import annotations

from typing import Any


class ApiError(Exception):
    """A refusal, sent to the client as ``{"message": ...}``.

    :param status: HTTP status; the SDK maps 400, 401, 403, 404, 405, 409, 413 and 429 to exceptions of its own.
    :param message: what was wrong, for the reader of the exception.
    :param headers: extra response headers, for example ``Retry-After``.
    """

    def __init__(self, status: int, message: str, *, headers: dict[str, str] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.headers = headers or {}

    def body(self) -> dict[str, Any]:
        """The JSON document sent to the client."""
        return {"message": self.message}


class MalformedRequestError(ApiError):
    """A body or query of the wrong shape, in FastAPI's form (422 with a list), as Encord's v2 API answers it.

    :param location: where the fault is, for example ``("body", "dataItems", "videos", 3, "objectUrl")``.
    :param message: what was wrong.
    """

    def __init__(self, location: tuple[str | int, ...], message: str) -> None:
        super().__init__(422, message)
        self.location = location

    def body(self) -> dict[str, Any]:
        """The JSON document sent to the client."""
        return {"detail": [{"loc": list(self.location), "msg": self.message, "type": "value_error"}]}


class UnknownKeyError(ApiError):
    """The signature is right, but nobody has registered the key; the older API has a code of its own for that."""

    def __init__(self) -> None:
        super().__init__(401, "Authentication failed: the public key is not registered with any user.")


def bad_request(message: str) -> ApiError:
    """400, the SDK's ``InvalidArgumentsError``."""
    return ApiError(400, message)


def forbidden(message: str) -> ApiError:
    """403, the SDK's ``AuthorisationError``; Encord also answers it for folders and items that do not exist."""
    return ApiError(403, message)


def not_found(message: str) -> ApiError:
    """404, the SDK's ``ResourceNotFoundError``."""
    return ApiError(404, message)


def conflict(message: str) -> ApiError:
    """409, the SDK's ``ResourceExistsError``."""
    return ApiError(409, message)
