"""Secrets in the operating system's own keychain, through the tools that come with it.

The secret never is an argument of a process, where other users could read it.
"""

from __future__ import annotations

import sys

from ..errors import ConfigurationError
from ..text.message import message
from ..text.redaction import environment_without_secrets
from .streams import broken_pipes_as_errors

SERVICE = "GPT Image for Blender"
ACCOUNT = "api-key"
SECONDS = 20.0  # a locked keychain asks its owner first


def _name_target(account: str) -> str:
    """The name of a secret where only one name counts."""
    return SERVICE if account == ACCOUNT else f"{SERVICE}: {account}"


def _secret_tool(account: str) -> tuple[str, ...]:
    return ("service", SERVICE, "account", account)


def is_available() -> bool:
    """Whether this system has a keychain that can be used."""
    if sys.platform == "win32":
        return True
    from shutil import which

    return which("security" if sys.platform == "darwin" else "secret-tool") is not None


def store(secret: str, account: str = ACCOUNT) -> None:
    """Keep the secret of an account, in place of an older one.

    :raises ConfigurationError: the keychain refused.
    """
    if sys.platform == "win32":
        from . import keychain_windows

        keychain_windows.store(_name_target(account), account, secret)
    elif sys.platform == "darwin":
        quoted = secret.replace("\\", "\\\\").replace('"', '\\"')
        _run(["security", "-i"], f'add-generic-password -U -s "{SERVICE}" -a {account} -w "{quoted}"\n')
    else:
        _run(["secret-tool", "store", f"--label={SERVICE}", *_secret_tool(account)], secret)


def read(account: str = ACCOUNT) -> str:
    """The secret of an account; empty where there is none or the keychain stays locked."""
    try:
        if sys.platform == "win32":
            from . import keychain_windows

            return keychain_windows.read(_name_target(account))
        if sys.platform == "darwin":
            return _run(["security", "find-generic-password", "-s", SERVICE, "-a", account, "-w"]).strip()
        return _run(["secret-tool", "lookup", *_secret_tool(account)]).strip()
    except ConfigurationError:
        return ""


def forget(account: str = ACCOUNT) -> None:
    """Delete the secret of an account, where there is one."""
    try:
        if sys.platform == "win32":
            from . import keychain_windows

            keychain_windows.forget(_name_target(account))
        elif sys.platform == "darwin":
            _run(["security", "delete-generic-password", "-s", SERVICE, "-a", account])
        else:
            _run(["secret-tool", "clear", *_secret_tool(account)])
    except ConfigurationError:
        pass  # there was none


def _run(command: list[str], secret: str = "") -> str:
    import subprocess  # not while the add-on is being enabled

    try:
        with broken_pipes_as_errors():
            done = subprocess.run(
                command,
                input=secret,
                capture_output=True,
                encoding="utf-8",
                errors="surrogateescape",
                env=environment_without_secrets(),
                timeout=SECONDS,
                check=False,
            )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise _make_refusal(type(error).__name__) from None  # the error's own text may hold what was fed
    if done.returncode != 0:
        raise _make_refusal(f"{command[0]} ended with {done.returncode}")
    return done.stdout


def _make_refusal(reason: str) -> ConfigurationError:
    return ConfigurationError(
        message("The system's keychain could not be used ({reason}).", reason=reason),
        code="keychain",
        next_step="Unlock it, or keep the key in a private file.",
    )
