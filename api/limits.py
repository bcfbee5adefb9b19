"""What one request may cost. The entry point reads the values from its settings."""

from dataclasses import dataclass

MEBIBYTE = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiLimits:
    """Limits of the HTTP service.

    Attributes:
        max_body_bytes: of a JSON body. 1 MiB is a spec with 10,000 inline rows.
        max_upload_bytes: of a dataset's upload, its multipart wrapping included.
    """

    max_body_bytes: int = MEBIBYTE
    max_upload_bytes: int = 2048 * MEBIBYTE
