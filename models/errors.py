"""Everything that can go wrong, as one tree with stable codes.

The codes are part of the contract: clients branch on them. This module knows nothing of HTTP; the
API maps each class to a status in one place.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True, slots=True)
class Issue:
    """One thing wrong with what a client sent.

    Attributes:
        pointer: RFC 6901 pointer from the root of the request body, "/network/layers/3/units".
        code: stable, machine readable: "unknown_column".
        message: one sentence that says what is wrong and what would be right.
        allowed: the values that would have been right, where they can be listed.
    """

    pointer: str
    code: str
    message: str
    allowed: tuple[str, ...] = ()


class EpochdError(Exception):
    """The service could not do what was asked."""

    code: ClassVar[str] = "internal_error"

    def __init__(self, detail: str | None = None) -> None:
        self.detail = detail or (type(self).__doc__ or "").strip().splitlines()[0]
        super().__init__(self.detail)


class Malformed(EpochdError):
    """The request could not be read."""

    code = "malformed"


class Invalid(EpochdError):
    """The request was read, but what it means cannot be done."""

    code = "invalid_spec"

    def __init__(self, issues: Iterable[Issue], detail: str | None = None) -> None:
        self.issues = tuple(issues)
        super().__init__(detail or "; ".join(issue.message for issue in self.issues[:3]))


class BadCursor(Invalid):
    """The cursor is not one that this service gave out; leave it out to start anew."""

    code = "invalid_parameter"

    def __init__(self) -> None:
        message = (type(self).__doc__ or "").strip()
        super().__init__([Issue("?cursor", "bad_cursor", message)])


class NotFound(EpochdError):
    """There is no such thing, or it is not yours."""

    code = "not_found"


class NothingToRepair(NotFound):
    """Nothing was found that could be repaired by changing the spec."""

    code = "nothing_to_repair"


class IllegalMove(EpochdError):
    """The state it is in does not allow this."""

    code = "illegal_move"


class DatasetProcessing(IllegalMove):
    """The dataset is still being read; try again in a moment."""

    code = "dataset_processing"


class DatasetFailed(IllegalMove):
    """The dataset could not be read, so nothing can be trained on it."""

    code = "dataset_failed"


class DatasetInUse(IllegalMove):
    """An experiment that is not over still needs this dataset."""

    code = "dataset_in_use"


class KeyReused(EpochdError):
    """This Idempotency-Key was used before with another body."""

    code = "idempotency_key_reused"


class TooLarge(EpochdError):
    """The request is larger than this service takes."""

    code = "too_large"


class UnknownFormat(EpochdError):
    """The content is of no format that this service reads."""

    code = "unknown_format"


class Busy(EpochdError):
    """Too much is waiting already; try again later."""

    code = "busy"


class StorageFull(EpochdError):
    """There is no room left to store this."""

    code = "disk_full"


class Unavailable(EpochdError):
    """A part that this needs cannot be reached at the moment."""

    code = "unavailable"


class Unreadable(EpochdError):
    """The file cannot be read as a dataset.

    Attributes:
        line: the line, from 1, at which reading failed; None where a format has no lines. The
            detail begins with it.
    """

    code = "unreadable_dataset"

    def __init__(self, detail: str, line: int | None = None) -> None:
        self.line = line
        super().__init__(f"Line {line}: {detail}" if line else detail)


class DatasetUnavailable(EpochdError):
    """A built-in dataset has to be downloaded, and that did not work."""

    code = "dataset_unavailable"


class LeaseLost(EpochdError):
    """Another attempt owns this trial now; what this one wrote was refused."""

    code = "lease_lost"


class ArtifactsUnavailable(EpochdError):
    """The store of files cannot be used at the moment."""

    code = "artifacts_unavailable"


class ArtifactMissing(EpochdError):
    """A stored file is not where its row says it is, or its content has changed."""

    code = "artifact_missing"
