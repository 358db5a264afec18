"""Every error that this provider raises, in one tree rooted in Airflow's own exception.

::

    AirflowException
    └── EncordError
        ├── EncordPermanentError            (also AirflowFailException: a retry would not help)
        │   ├── EncordConfigError           the connection: key, domain, passphrase
        │   ├── EncordInputError            what the user handed in, found before anything is sent
        │   │   ├── UploadSpecError
        │   │   ├── ObjectUrlError
        │   │   ├── KeyPatternError
        │   │   ├── MetadataTableError
        │   │   ├── MetadataSchemaError
        │   │   └── MetadataValueError
        │   ├── ListingError                the bucket: missing, or not permitted
        │   └── EncordRequestError          Encord refused the call (4xx)
        │       ├── EncordAuthenticationError   401
        │       ├── EncordPermissionError       403
        │       └── EncordNotFoundError         404
        ├── StorageUnavailableError         the object store gave no answer, or none that makes sense
        ├── EncordUnavailableError          429, 5xx or no answer, until the retry budget was used up
        └── UploadJobError                  the verdict on an upload job
            ├── UploadJobFailedError
            │   └── UploadJobNotRepeatedError   (also permanent) a retry would send nothing of it again
            ├── UploadJobCancelledError
            ├── UploadJobPendingError
            └── UploadJobTimeoutError

Airflow does not retry a task that raises ``AirflowFailException``, so errors that cannot go away by
themselves derive from it and everything else stays retryable.
"""

from __future__ import annotations

from airflow.providers.common.compat.sdk import AirflowException, AirflowFailException

from encord_provider.text.limits import MAX_MESSAGE_CHARACTERS
from encord_provider.text.secrets import redacted


def _presentable(message: str) -> str:
    # Twice the limit is looked at, so that a secret is hidden before it is cut.
    text = redacted(str(message)[: 2 * MAX_MESSAGE_CHARACTERS])
    if len(text) <= MAX_MESSAGE_CHARACTERS:
        return text
    # The end says where all of it is.
    end = MAX_MESSAGE_CHARACTERS // 4
    last = redacted(str(message)[-2 * end :])[-end:]
    left_out = len(str(message)) - MAX_MESSAGE_CHARACTERS
    return f"{text[: MAX_MESSAGE_CHARACTERS - end]}\n... ({left_out:,} characters left out) ...\n{last}"


class EncordError(AirflowException):  # type: ignore[misc, unused-ignore]
    """Any error raised by this provider.

    Its message holds no secret (:func:`~encord_provider.text.secrets.redacted`), whatever it was made of, and is not
    longer than :data:`~encord_provider.text.limits.MAX_MESSAGE_CHARACTERS`.

    :param message: what to tell the user.
    """

    def __init__(self, message: str = "", *args: object) -> None:
        super().__init__(_presentable(message), *args)


class EncordPermanentError(EncordError, AirflowFailException):  # type: ignore[misc, unused-ignore]
    """An error that stays until somebody changes something; the task fails without using up its retries."""


class EncordConfigError(EncordPermanentError):
    """The Airflow connection cannot be used as it is: key, passphrase, token or domain."""


class EncordInputError(EncordPermanentError):
    """What the user handed in is wrong; nothing has been sent to Encord."""


class UploadSpecError(EncordInputError):
    """An upload spec that Encord would refuse, or that says something other than its author meant."""


class ObjectUrlError(EncordInputError):
    """An object that cannot be written as an object URL, or a URL that names no object."""


class KeyPatternError(EncordInputError):
    """A ``key_pattern`` that is not a valid regular expression with named groups."""


class MetadataTableError(EncordInputError):
    """A metadata table that cannot be read: the message names file, line and column."""


class MetadataSchemaError(EncordInputError):
    """A metadata schema that is malformed, or a change to it that was not allowed."""


class MetadataValueError(EncordInputError):
    """Client metadata that the metadata schema does not accept: the message names row, key and value type."""


class ListingError(EncordPermanentError):
    """The objects cannot be listed: no such bucket, or no permission."""


class StorageUnavailableError(EncordError):
    """The object store could not be reached, or its answer could not be read; a later attempt may succeed."""


class EncordRequestError(EncordPermanentError):
    """Encord answered a call with a 4xx status.

    :param message: what to tell the user.
    :param status: the HTTP status.
    """

    def __init__(self, message: str, *, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status


class EncordAuthenticationError(EncordRequestError):
    """401: the key is unknown to this domain, or the signature was not accepted."""


class EncordPermissionError(EncordRequestError):
    """403: the user may not do this, or the folder or item does not exist (Encord answers both alike)."""


class EncordNotFoundError(EncordRequestError):
    """404: there is no such resource."""


class EncordUnavailableError(EncordError):
    """Encord could not be reached, or kept answering 429 or 5xx, until the retry budget was used up.

    :param message: what to tell the user.
    :param status: the last HTTP status, or None when there was no answer at all.
    :param carried_out: whether the call may have been carried out all the same.
    :param out_of_time: whether the time of the task was over, rather than the patience with Encord.
    """

    def __init__(
        self,
        message: str,
        *,
        status: int | None = None,
        carried_out: bool = True,
        out_of_time: bool = False,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.carried_out = carried_out
        self.out_of_time = out_of_time


class UploadJobError(EncordError):
    """The verdict on an upload job is not success."""


class UploadJobFailedError(UploadJobError):
    """The job ended in ERROR, or more data units failed than the user allowed."""


class UploadJobNotRepeatedError(UploadJobFailedError, EncordPermanentError):
    """Data units were not registered, and a retry would not send them again: that could register others twice."""


class UploadJobCancelledError(UploadJobError):
    """Somebody cancelled the job; what had been registered by then stays registered."""


class UploadJobPendingError(UploadJobError):
    """The job has not ended, so that there is no verdict yet."""


class UploadJobTimeoutError(UploadJobError):
    """The job was still pending at the deadline."""
