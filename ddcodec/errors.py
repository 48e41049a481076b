"""The tree of exceptions: every error that leaves ddcodec is one of these, with a stable code.

DdcodecError                      exit 1   what has no other code
├── FormatError (ValueError)      exit 3   the file is malformed
│   ├── BadMagicError             not a .ddz file, or damaged by a text-mode transfer
│   ├── TruncatedError            the file ends too early, or is longer than it says
│   ├── HeaderError               a header field is missing, of a wrong type or out of range
│   ├── NonCanonicalError         valid msgpack, but not the one canonical form
│   ├── LimitExceededError        larger than the reader's limits allow
│   └── PayloadError              a section's bytes do not decode
├── IntegrityError                exit 4   the file is well formed but not what was written
│   ├── ChecksumMismatchError     a CRC-32 differs
│   ├── DigestMismatchError       the content digest differs
│   └── PixelDriftError           re-rendered pixels differ from the stored pixel digests
├── UnsupportedFeatureError       exit 5   a newer or optional part this reader lacks
│   ├── UnsupportedVersionError   the file needs a newer ddcodec
│   └── UnknownCodecError         an unknown codec, codec version or critical section kind
├── RequestError (ValueError)     exit 2   what was asked for makes no sense, or is not there
│   └── MissingFileError (FileNotFoundError)
├── EncodeError (ValueError)      exit 1   something cannot be encoded or written
│   └── SourceError               the source images are not usable as they are
│       └── MissingSourceError (FileNotFoundError)    exit 2
└── DecodeError                   exit 1   the artifact is fine, this machine cannot decode it
    ├── MissingArtifactError (FileNotFoundError)  exit 2
    ├── ModelMismatchError        the prior or teacher at hand is not the pinned one
    └── MissingDependencyError (ImportError)
"""

from __future__ import annotations

from reprlib import Repr
from typing import Any, ClassVar

__all__ = [
    "BadMagicError",
    "ChecksumMismatchError",
    "DdcodecError",
    "DecodeError",
    "DigestMismatchError",
    "EncodeError",
    "FormatError",
    "HeaderError",
    "IntegrityError",
    "LimitExceededError",
    "MissingArtifactError",
    "MissingDependencyError",
    "MissingFileError",
    "MissingSourceError",
    "ModelMismatchError",
    "NonCanonicalError",
    "PayloadError",
    "PixelDriftError",
    "RequestError",
    "SourceError",
    "TruncatedError",
    "UnknownCodecError",
    "UnsupportedFeatureError",
    "UnsupportedVersionError",
    "shown",
]


class DdcodecError(Exception):
    """Base of all errors; ``section`` and ``offset`` say where in the file, when known.

    Args:
        message: what is wrong and what to do next, in one or two sentences.
        section: the section concerned, as ``kind[index]``.
        offset: byte offset in the file.

    >>> error = PayloadError("the bytes do not decode", section="labels[3]")
    >>> str(error), error.code, isinstance(error, DdcodecError)
    ('the bytes do not decode (section labels[3])', 'payload', True)
    """

    code: ClassVar[str] = "error"
    exit_code: ClassVar[int] = 1

    def __init__(
        self, message: str, *, section: str | None = None, offset: int | None = None
    ) -> None:
        super().__init__(message)
        self.message = message
        self.section = section
        self.offset = offset

    def __str__(self) -> str:
        where = [f"section {self.section}"] if self.section is not None else []
        where += [f"byte {self.offset}"] if self.offset is not None else []
        return f"{self.message} ({', '.join(where)})" if where else self.message

    def __reduce__(self) -> tuple[object, ...]:
        # Keyword arguments survive the trip back from a DataLoader worker.
        return _rebuild, (type(self), self.message, self.section, self.offset)


def _rebuild(
    cls: type[DdcodecError], message: str, section: str | None, offset: int | None
) -> DdcodecError:
    return cls(message, section=section, offset=offset)


class FormatError(DdcodecError, ValueError):
    code = "format"
    exit_code = 3


class BadMagicError(FormatError):
    code = "bad-magic"


class TruncatedError(FormatError):
    code = "truncated"


class HeaderError(FormatError):
    code = "header"


class NonCanonicalError(FormatError):
    code = "non-canonical"


class LimitExceededError(FormatError):
    code = "limit-exceeded"


class PayloadError(FormatError):
    code = "payload"


class IntegrityError(DdcodecError):
    code = "integrity"
    exit_code = 4


class ChecksumMismatchError(IntegrityError):
    code = "checksum-mismatch"


class DigestMismatchError(IntegrityError):
    code = "digest-mismatch"


class PixelDriftError(IntegrityError):
    code = "pixel-drift"


class UnsupportedFeatureError(DdcodecError):
    code = "unsupported"
    exit_code = 5


class UnsupportedVersionError(UnsupportedFeatureError):
    code = "unsupported-version"


class UnknownCodecError(UnsupportedFeatureError):
    code = "unknown-codec"


class RequestError(DdcodecError, ValueError):
    code = "request"
    exit_code = 2


class MissingFileError(RequestError, FileNotFoundError):
    code = "request"


class EncodeError(DdcodecError, ValueError):
    code = "encode"


class SourceError(EncodeError):
    code = "source"


class MissingSourceError(SourceError, FileNotFoundError):
    code = "source"
    exit_code = 2


class DecodeError(DdcodecError):
    code = "decode"


class MissingArtifactError(DecodeError, FileNotFoundError):
    code = "decode"
    exit_code = 2


class ModelMismatchError(DecodeError):
    code = "model-mismatch"


class MissingDependencyError(DecodeError, ImportError):
    code = "missing-dependency"


# The builtin repr follows a hostile nesting down until Python gives up.
_REPR = Repr()
_REPR.maxlevel, _REPR.maxstring, _REPR.maxother = 3, 60, 60


def shown(value: Any) -> str:
    """A wrong value as a message repeats it: short, however large or deep it is.

    >>> shown([[[[[[1]]]]]]), len(shown("x" * 10_000))
    ('[[[[...]]]]', 60)
    """
    return _REPR.repr(value)
