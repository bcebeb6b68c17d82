"""Settings from the environment, the add-on's preferences and defaults, as one plain value.

Works in a checkout too, where the add-on has no preferences.
"""

from __future__ import annotations

import dataclasses
import math
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import bpy

from ..core.common import keychain
from ..core.common.arguments import kinds_of, typed
from ..core.common.credentials import Credential, check_id, check_key, unwrap
from ..core.common.files import read_file, replace_file
from ..core.common.package import PACKAGE
from ..core.common.paths import DATA_DIR_VARIABLE, state_folder
from ..core.errors import (
    ConfigurationError,
    InvalidRequestError,
    MissingApiKeyError,
    OnlineAccessDisabledError,
)
from ..core.http.endpoint import (
    Connection,
    check_base_url,
    check_image_fields,
    check_proxy,
    clean_url,
    is_loopback,
    secrets_in,
)
from ..core.request.parameters import DEFAULT_CONCURRENCY, UNATTENDED_MAX_COST_USD
from ..core.request.providers import (
    DEFAULT_BASE_URL,
    DEFAULT_PROVIDER,
    PROVIDERS,
    ProviderSetting,
    list_settings,
)
from ..core.text.message import Message, message
from ..core.text.redaction import hide
from .keys import own_keys

if TYPE_CHECKING:
    from ..core.request.pricing import Limits

KEY_VARIABLE = "OPENAI_API_KEY"
OWN_FIELDS = ("base_url", "organization", "project", "picture_fields")
"""What the first provider is told: fields of `Settings`."""
NO_SETTINGS = ("problem", "of_providers", "keys")
"""Fields of `Settings` that nobody sets."""
WITH_OWN_KEY = tuple(name for name, info in PROVIDERS.items() if info.own_key)
"""Providers that have a key of their own."""
AGENT_LIMIT_VARIABLE = "GPT_IMAGE_AGENT_MAX_COST_USD"
FOLDER_SEPARATOR = ";"
KEY_FILE = "api-key"
KEY_FILE_BYTES = 65536  # more than any key, as which a larger file can't be meant
KEYCHAIN_MARK = "api-key-in-keychain"
"""An empty file that says where the key is, so that asking does not open the keychain."""


@dataclass(frozen=True)
class Settings:
    """What holds for every request."""

    provider: str = DEFAULT_PROVIDER
    api_key: str = field(default="", repr=False)
    base_url: str = DEFAULT_BASE_URL
    default_model: str = ""
    """Model of requests to OpenAI that name none; the table's default when empty."""
    storage: str = "pack"
    """``pack`` keeps images in the .blend, ``save`` beside it."""
    turn_views: bool = False
    """Solid 3D views become Material Preview where a result comes onto an object in them."""
    show_first: bool = True
    """They do so in a file in which no material shows an image yet."""
    organization: str = ""
    project: str = ""
    picture_fields: str = "brackets"
    """How several images of an edit are named, see `endpoint.IMAGE_FIELDS`."""
    proxy: str = ""
    """Address of a proxy that goes before those of the environment."""
    of_providers: Mapping[str, str] = field(default_factory=dict, hash=False)
    """What else providers are told, by the names in their rows."""
    keys: Mapping[str, str] = field(default_factory=dict, repr=False, hash=False)
    """Keys of providers that have one of their own, by provider."""
    state_folder: Path = field(default_factory=state_folder)
    monthly_budget_usd: float | None = None
    """None for no limit."""
    max_cost_usd: float | None = None
    """Of one request; None for no limit but the one for unattended runs."""
    unattended: bool = False
    """Nobody looks on: Blender runs in background."""
    concurrency: int = DEFAULT_CONCURRENCY
    online_access: bool = False
    """Blender's own switch; loopback addresses do not need it."""
    problem: ConfigurationError | None = field(default=None, repr=False, compare=False)
    """Why key or ids can't be sent; None where they can."""

    def connection(self) -> Connection:
        """Where the API is and who calls it."""
        caller = self.api_key, self.organization, self.project
        return Connection(
            self.base_url, *caller, self.picture_fields, self.proxy, self.of_providers, self.keys
        )

    def limits(self, max_cost: float | None = None) -> Limits:
        """What a request may cost.

        :param max_cost: USD; a limit for this request alone, which goes before the others.
        :raises InvalidRequestError: it is no amount.
        """
        from ..core.request.pricing import Limits

        if max_cost is not None and not 0 <= max_cost < math.inf:
            raise InvalidRequestError(f"max_cost must be an amount in USD, not {max_cost}.", param="max_cost")
        if max_cost is not None:
            return Limits(max_cost, monthly_budget_usd=self.monthly_budget_usd)
        if self.max_cost_usd is not None:
            reason = Message("the limit for a request in GPT_IMAGE_MAX_COST_USD or the preferences is")
            return Limits(self.max_cost_usd, reason, self.monthly_budget_usd)
        if self.unattended:
            reason = Message("without a limit of its own a request of an unattended run may cost")
            return Limits(UNATTENDED_MAX_COST_USD, reason, self.monthly_budget_usd)
        return Limits(monthly_budget_usd=self.monthly_budget_usd)

    def check_provider(self, provider: str, *, has_key: bool | None = None) -> None:
        """Whether a request to this provider may be sent at all.

        :param has_key: answers for settings that were loaded without the key.
        :raises ConfigurationError: no key, online access off, or a key or base URL that can't be used.
        """
        info = PROVIDERS.get(provider)
        if info is None:
            return
        if info.needs_key and self.problem is not None:
            raise self.problem
        if info.needs_key and not (bool(self.api_key) if has_key is None else has_key):
            raise MissingApiKeyError("There is no API key.")
        if not info.address:
            return
        address = self.server_of(provider)
        check_base_url(address)
        if "picture_fields" in (setting.name for setting in info.settings):
            check_image_fields(self.picture_fields)
        check_proxy(self.proxy)
        if not self.online_access and not is_loopback(address):
            raise OnlineAccessDisabledError("Blender's online access is off.")

    def server_of(self, provider: str) -> str:
        """Address of the server of a provider that has one."""
        name = PROVIDERS[provider].address
        return self.of_providers[name] if name in self.of_providers else str(getattr(self, name))


_overrides: dict[str, Any] = {}


@contextmanager
def override(**values: Any) -> Iterator[None]:
    """Inside the block, these go before environment and preferences. Main thread only.

    :param values: fields of `Settings`, and what providers are told.
    :raises InvalidRequestError: a name that is no setting, or a value of another type.
    """
    before = dict(_overrides)
    kinds = {name: kind for name, kind in kinds_of(Settings).items() if name not in NO_SETTINGS}
    kinds |= dict.fromkeys((setting.name for setting in list_settings()), str)
    _overrides.update(typed(kinds, values, "setting"))
    try:
        yield
    finally:
        _overrides.clear()
        _overrides.update(before)


def base_url() -> str:
    """The API's address: the environment's, the preferences', or OpenAI's."""
    (setting,) = (setting for setting in list_settings() if setting.name == "base_url")
    return _read_setting(setting, preferences())


def _read_setting(setting: ProviderSetting, found: Any) -> str:
    """A setting of a provider: the environment's, the preferences', or its default."""
    given = os.environ.get(setting.variable, "") if setting.variable else ""
    preferred = str(getattr(found, setting.name, ""))
    if setting.is_address:
        given, preferred = clean_url(given), clean_url(preferred)
    return given or preferred or setting.default


def proxy() -> str:
    """The proxy of the preferences; empty for that of the environment."""
    return clean_url(getattr(preferences(), "proxy", ""))


def stays_here() -> bool:
    """Whether requests go to this machine alone, so that they need no online access."""
    return is_loopback(base_url())


def load(*, with_key: bool = True) -> Settings:
    """The settings as they are now. Main thread only.

    :param with_key: read the key too, which may open the keychain.
    :raises ConfigurationError: a number in the environment is none.
    """
    found = preferences()
    told = {setting.name: _read_setting(setting, found) for setting in list_settings()}
    values: dict[str, Any] = {name: told.pop(name) for name in OWN_FIELDS}
    loaded = Settings(
        provider=os.environ.get("GPT_IMAGE_PROVIDER") or DEFAULT_PROVIDER,
        api_key=_raw_key(with_keychain=with_key),
        of_providers=told,
        keys={name: own_key(name, with_keychain=with_key) for name in WITH_OWN_KEY},
        default_model=getattr(found, "default_model", ""),
        storage=getattr(found, "storage", "pack"),
        turn_views=getattr(found, "turn_views", False),
        show_first=getattr(found, "show_first", True),
        monthly_budget_usd=_usd("GPT_IMAGE_MONTHLY_BUDGET_USD", found, "monthly_budget_usd"),
        max_cost_usd=_usd("GPT_IMAGE_MAX_COST_USD", found, "max_cost_usd"),
        unattended=bool(bpy.app.background),
        proxy=proxy(),
        concurrency=getattr(found, "concurrency", DEFAULT_CONCURRENCY),
        online_access=bool(bpy.app.online_access),
    )
    for name, value in _overrides.items():
        (told if name in told else values)[name] = value
    found = _check_credentials(dataclasses.replace(loaded, of_providers=told, **values))
    return found if with_key else dataclasses.replace(found, api_key="", keys={})


def _check_credentials(found: Settings) -> Settings:
    """With key and ids as they are sent.

    Where that can't be, the reason is kept until something is to be sent: a draft needs no key.
    """
    addresses = [found.server_of(name) for name, info in PROVIDERS.items() if info.address]
    for secret in (found.api_key, *(part for address in addresses for part in secrets_in(address))):
        hide(secret)
    values: dict[str, Any] = {"api_key": "", "organization": "", "project": ""}
    problem = None
    try:
        values["api_key"] = check_key(found.api_key, _key_variable()).value
        for name, variable in (("organization", "OPENAI_ORG_ID"), ("project", "OPENAI_PROJECT_ID")):
            given = os.environ.get(variable) and name not in _overrides
            values[name] = check_id(getattr(found, name), variable if given else name)
    except ConfigurationError as error:
        problem = error
    return dataclasses.replace(found, **values, base_url=clean_url(found.base_url), problem=problem)


def _key_variable() -> str:
    """The variable that the key comes from; empty where it comes from elsewhere."""
    return KEY_VARIABLE if key_source() == "environment" and "api_key" not in _overrides else ""


def _usd(variable: str, found: Any, preference: str) -> float | None:
    """An amount from the environment, or from the preferences, where 0 means none."""
    text = os.environ.get(variable)
    if not text:
        limit: float = getattr(found, preference, 0.0)
        return limit if limit > 0 else None
    try:
        amount = float(text)
    except ValueError:
        amount = math.nan
    if not 0 <= amount < math.inf:
        raise ConfigurationError(
            message("{variable} is '{value}', which is not a valid amount.", variable=variable, value=text),
            next_step="Set it to an amount in USD.",
        )
    return amount


def agent_limit() -> float | None:
    """USD above which an agent's request is asked about, or refused; None for no limit of its own.

    :raises ConfigurationError: it is no amount.
    """
    return _usd(AGENT_LIMIT_VARIABLE, preferences(), "agent_max_cost_usd")


def agent_folders() -> tuple[Path, ...]:
    """Folders of the preferences that agents may use. Main thread only."""
    named = getattr(preferences(), "agent_folders", "").split(FOLDER_SEPARATOR)
    return tuple(Path(bpy.path.abspath(name.strip())).absolute() for name in named if name.strip())


def preferences() -> Any:
    """The add-on's preferences; None in a checkout and under ``--factory-startup --addons``."""
    addon = bpy.context.preferences.addons.get(PACKAGE)
    return addon.preferences if addon is not None else None


def private_folder() -> Path:
    """A folder for what is neither paid for nor to be shared, such as the key."""
    try:
        return Path(bpy.utils.extension_path_user(PACKAGE, create=True))
    except ValueError:  # a checkout is no extension
        return state_folder()


@lru_cache(maxsize=1)
def _stored(data_dir: str | None) -> tuple[str, str]:
    """Source and value of the stored key, read once; the keychain itself is not opened yet.

    :param data_dir: what the folder may depend on.
    """
    folder = private_folder()
    try:
        key = unwrap(read_file(folder / KEY_FILE, KEY_FILE_BYTES).decode("utf-8", "surrogateescape"))
    except OSError:
        key = ""
    if key:
        return "file", key
    return ("keychain", "") if (folder / KEYCHAIN_MARK).exists() else ("", "")


def _find_stored() -> tuple[str, str]:
    return _stored(os.environ.get(DATA_DIR_VARIABLE))


def _find_raw() -> tuple[str, str]:
    """Source and value, as they stand there, of the key: the environment's, else the stored one."""
    given = os.environ.get(KEY_VARIABLE, "")
    return ("environment", given) if unwrap(given) else _find_stored()


_key_of_keychain = lru_cache(maxsize=1)(keychain.read)


def _raw_key(*, with_keychain: bool) -> str:
    """The key of the environment, else the one entered in the preferences, as it stands there.

    :param with_keychain: open the keychain, where it is kept there.
    """
    source, key = _find_raw()
    return _key_of_keychain() if with_keychain and source == "keychain" else key


def find_key() -> Credential:
    """The key as it is sent: of the environment, else the one entered in the preferences; empty for none.

    :raises ConfigurationError: the key can't be used.
    """
    return check_key(_raw_key(with_keychain=True), _key_variable())


def key_to_hide() -> str:
    """The key, as far as it is known without the keychain; empty where it can't be used. For any thread."""
    try:
        return check_key(_raw_key(with_keychain=False)).value
    except ConfigurationError:
        return ""


def stored_key() -> str:
    """The key that was entered in the preferences; empty where there is none.

    It lies in the keychain or in a file of its own: preferences are kept in one that everyone may read.
    """
    source, key = _find_stored()
    return _key_of_keychain() if source == "keychain" else key


def key_source() -> str:
    """Where the key comes from: ``environment``, ``keychain``, ``file``, or empty where there is none.

    Reads nothing that could block, after the first call.
    """
    return _find_raw()[0]


def has_key() -> bool:
    """Whether there is a key at all."""
    return bool(key_source())


def store_key(key: str, place: str = "file") -> None:
    """Keep the key where only this user may read it; an empty one is forgotten.

    :param place: ``keychain`` or ``file``.
    :raises StorageError: the file can't be written.
    :raises ConfigurationError: the keychain refuses, or no header takes the key.
    """
    key, folder = check_key(key).value, private_folder()
    if key and place == "keychain":
        keychain.store(key)
        replace_file(folder / KEYCHAIN_MARK, b"", mode=0o600)
        (folder / KEY_FILE).unlink(missing_ok=True)
    else:
        if _find_stored()[0] == "keychain":
            keychain.forget()
        (folder / KEYCHAIN_MARK).unlink(missing_ok=True)
        if key:
            replace_file(folder / KEY_FILE, key.encode(), mode=0o600)
        else:
            (folder / KEY_FILE).unlink(missing_ok=True)
    _stored.cache_clear()
    _key_of_keychain.cache_clear()


def own_key(provider: str, *, with_keychain: bool = True) -> str:
    """The key of a provider that has one of its own, as it stands there; empty where there is none.

    :param with_keychain: open the keychain, where it is kept there.
    """
    return own_keys.read_key(provider, private_folder(), with_keychain=with_keychain)


def key_source_of(provider: str) -> str:
    """As `key_source`, for the provider's own key where it has one."""
    if not PROVIDERS[provider].own_key:
        return key_source()
    return own_keys.find_source(provider, private_folder())


def list_key_sources() -> list[str]:
    """Where each key comes from that there may be."""
    return [key_source(), *map(key_source_of, WITH_OWN_KEY)]


def store_key_of(provider: str, key: str, place: str = "file") -> None:
    """As `store_key`, for the provider's own key where it has one."""
    if PROVIDERS[provider].own_key:
        own_keys.store_key(provider, key, private_folder(), place)
    else:
        store_key(key, place)


def fingerprint() -> tuple[object, ...]:
    """Changes with every setting that matters to whether a request can be sent. Quick enough for drawing."""
    found = preferences()
    return (
        *list_key_sources(),
        bool(bpy.app.online_access),
        *(_read_setting(setting, found) for setting in list_settings()),
        os.environ.get(KEY_VARIABLE),
        *(os.environ.get(PROVIDERS[name].own_key) for name in WITH_OWN_KEY),
        os.environ.get(DATA_DIR_VARIABLE),
        getattr(found, "default_model", ""),
        getattr(found, "proxy", ""),
    )
