"""One secret in the Windows Credential Manager, by its own interface.

https://learn.microsoft.com/windows/win32/api/wincred/ns-wincred-credentialw
"""

from __future__ import annotations

import ctypes
import sys
from typing import Any

from ..errors import ConfigurationError

GENERIC = 1  # CRED_TYPE_GENERIC
LOCAL_MACHINE = 2  # CRED_PERSIST_LOCAL_MACHINE: kept for this user on this machine


class _Credential(ctypes.Structure):
    """``CREDENTIALW``."""

    _fields_ = (
        ("Flags", ctypes.c_uint32),
        ("Type", ctypes.c_uint32),
        ("TargetName", ctypes.c_wchar_p),
        ("Comment", ctypes.c_wchar_p),
        ("LastWritten", ctypes.c_uint64),
        ("CredentialBlobSize", ctypes.c_uint32),
        ("CredentialBlob", ctypes.POINTER(ctypes.c_ubyte)),
        ("Persist", ctypes.c_uint32),
        ("AttributeCount", ctypes.c_uint32),
        ("Attributes", ctypes.c_void_p),
        ("TargetAlias", ctypes.c_wchar_p),
        ("UserName", ctypes.c_wchar_p),
    )


def store(target: str, account: str, secret: str) -> None:
    """Keep the secret, in place of an older one.

    :raises ConfigurationError: Windows refused.
    """
    data = secret.encode("utf-8")
    blob = (ctypes.c_ubyte * len(data)).from_buffer_copy(data)
    credential = _Credential(
        Type=GENERIC,
        TargetName=target,
        CredentialBlobSize=len(data),
        CredentialBlob=ctypes.cast(blob, ctypes.POINTER(ctypes.c_ubyte)),
        Persist=LOCAL_MACHINE,
        UserName=account,
    )
    _check(_library().CredWriteW(ctypes.byref(credential), 0))


def read(target: str) -> str:
    """The secret.

    :raises ConfigurationError: there is none.
    """
    found = ctypes.POINTER(_Credential)()
    library = _library()
    _check(library.CredReadW(target, GENERIC, 0, ctypes.byref(found)))
    try:
        credential = found.contents
        return bytes(credential.CredentialBlob[: credential.CredentialBlobSize]).decode(
            "utf-8", "surrogateescape"
        )
    finally:
        library.CredFree(found)


def forget(target: str) -> None:
    """Delete the secret.

    :raises ConfigurationError: there is none.
    """
    _check(_library().CredDeleteW(target, GENERIC, 0))


def _library() -> Any:
    if sys.platform != "win32":
        raise ConfigurationError("The Credential Manager belongs to Windows.", code="keychain")
    return ctypes.WinDLL("advapi32", use_last_error=True)


def _check(succeeded: int) -> None:
    if not succeeded:
        raise ConfigurationError("The Credential Manager has no such entry or refused it.", code="keychain")
