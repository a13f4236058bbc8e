"""Rows of a Parquet file, a row group at a time."""

import datetime
import decimal
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from infra import errors

MAGIC: Final = b"PAR1"
"""What such a file begins with."""
_MAX_GROUP_BYTES: Final = 2 * 2**30
"""Most bytes of a row group, unpacked."""
_BATCH_ROWS: Final = 64


def rows(path: Path) -> Iterator[dict[str, Any]]:
    """Read the rows of a file as JSON would have them; a field without a value is left out.

    Raises:
        errors.InvalidInput: pyarrow is not installed, the file cannot be read, or a row group is
            too large.
    """
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError:
        raise errors.InvalidInput(
            f"cannot read {path}: Parquet needs pyarrow, which comes with the extra `export`:"
            " pip install 'rrtf-suite[export]'"
        ) from None
    try:
        with parquet.ParquetFile(path) as file:
            for group in range(file.metadata.num_row_groups):
                size = file.metadata.row_group(group).total_byte_size
                if size > _MAX_GROUP_BYTES:
                    raise errors.InvalidInput(
                        f"cannot read {path}: row group {group} has {size} bytes, and may have"
                        f" {_MAX_GROUP_BYTES}"
                    )
                for batch in file.iter_batches(_BATCH_ROWS, row_groups=[group]):
                    for row in batch.to_pylist():
                        yield {
                            key: _plain(value) for key, value in row.items() if value is not None
                        }
    except (pyarrow.ArrowException, OSError) as error:
        raise errors.InvalidInput(f"cannot read {path}: {error}") from error


def _plain(value: Any) -> Any:
    """Return a value as JSON would have it."""
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, datetime.date | datetime.time):
        return value.isoformat()
    if isinstance(value, decimal.Decimal):
        return float(value)
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return value
