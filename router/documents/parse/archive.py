"""Archives that unpack to far more than they weigh, or lie about it, are refused before they are read."""

from __future__ import annotations

import zipfile
import zlib
from pathlib import Path

from router.documents.errors import Broken, Encrypted, TooLarge
from router.documents.limits import Limits

_CHUNK = 1 << 20
_MEMBER_COUNT = 10_000
_ENCRYPTED_FLAG = 0x1


def check_archive(path: Path, limits: Limits) -> None:
    """Unpack every member once, counting and keeping nothing. Raises DocumentRefused.

    What the directory of an archive claims is not believed: the bytes are counted as they come out.
    """
    allowed = min(limits.expanded_bytes, int(max(path.stat().st_size, _CHUNK) * limits.expansion))
    left = allowed
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
            if len(members) > _MEMBER_COUNT:
                raise TooLarge(f"the archive holds {len(members)} files, more than {_MEMBER_COUNT}")
            for member in members:
                if member.flag_bits & _ENCRYPTED_FLAG:
                    raise Encrypted(
                        f"{member.filename} in the archive is encrypted; save it without a password"
                    )
                left -= _unpacked_size(archive, member, left, allowed)
    except (
        zipfile.BadZipFile,
        zipfile.LargeZipFile,
        zlib.error,
        OSError,
        NotImplementedError,
        EOFError,
    ) as exc:
        raise Broken(f"the archive is damaged: {exc}") from exc


def _unpacked_size(archive: zipfile.ZipFile, member: zipfile.ZipInfo, left: int, allowed: int) -> int:
    size = 0
    with archive.open(member) as stream:
        while chunk := stream.read(_CHUNK):
            size += len(chunk)
            if size > left:
                raise TooLarge(
                    f"unpacked it is larger than {allowed:,} bytes, all that is taken of a file of this size"
                )
    return size
