"""The providers, a row each: everything that differs between them, as plain values.

To add one, add a row here and its code to `core.providers`, which finds it by the row.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

DEFAULT_BASE_URL = "https://api.openai.com/v1"


@dataclass(frozen=True)
class ProviderSetting:
    """What a provider must be told once: a field of the preferences, and a variable of the environment."""

    name: str
    """Of the preference and of the setting in scripts; no two providers share one."""
    label: str
    description: str
    default: str = ""
    variable: str = ""
    """Of the environment; takes precedence over the preference. Empty for none."""
    variable_help: str = ""
    """What the variable holds, for the command line's help."""
    flag: str = ""
    """What the value of its flag on the command line stands for; empty where it has none."""
    choices: tuple[tuple[str, str, str], ...] = ()
    """Value, label and description of each; empty where any text is taken."""
    is_address: bool = False
    """It says where the provider's server is."""


@dataclass(frozen=True)
class ProviderInfo:
    """A row of the table of providers."""

    label: str
    description: str
    module: str
    """Of its class, below `core.providers`; loaded when the first request is sent."""
    factory: str
    """The class, made with the connection."""
    credit: str
    """What the metadata of a result says."""
    needs_key: bool = False
    is_paid: bool = False
    """Its requests go to a server that sends a bill."""
    pricing: str = ""
    """Module below `core.providers` that knows the price of a request; empty where nothing is paid."""
    hints: str = ""
    """Module below `core.providers` that says what it will not show; empty where nobody can know that."""
    settings: tuple[ProviderSetting, ...] = ()
    default_model: str = ""
    """Of requests that name none; empty for the default of the preferences or the table of models."""
    usual_seconds: float = 40.0
    """How long a request takes, before anything was learned."""
    tiles_by_nature: bool = False
    """Its seamless images need no cut."""
    knows_height: bool = False
    """Its images come with their height."""
    takes_masks: bool = True
    """It can repaint a part of an image."""
    is_moderated: bool = False
    """It takes `moderation` and `safety_identifier`."""
    own_key: str = ""
    """Variable of the environment with a key of its own, which not all its requests need; empty for none."""
    key_label: str = ""
    """Whose key that is."""
    formats: tuple[str, ...] = ()
    """Output formats that it has; empty for those of its models."""
    workflow_model: str = ""
    """Model of requests that name a workflow; empty where it runs none."""
    finds_jobs: bool = False
    """Its server finds a job again by its id: a lost answer can be fetched later."""
    describes_server: bool = False
    """Its class has ``describe``, which says in one sentence what answers."""
    has_batch_api: bool = False
    """It takes batches as OpenAI's Batch API does."""
    has_qualities: bool = True
    """It takes `quality`."""
    is_draft: bool = False
    """Its images are simple drafts, and marked as such."""
    notice: str = ""
    """Shown in the panel where it was chosen for lack of a key."""
    key_url: str = ""
    """Page on which a key is made. Buttons open these addresses; one is empty where there is no such page."""
    billing_url: str = ""
    """Page on which credit is added."""
    limits_url: str = ""
    """Page on which the account's own limits are raised."""
    verify_url: str = ""
    """Page on which an organization is verified."""

    @property
    def needs_height(self) -> bool:
        """A model can be asked for the height of its images."""
        return not self.knows_height

    @property
    def repairs_seams(self) -> bool:
        """It can repaint the seams of its own images, which need that."""
        return self.takes_masks and not self.tiles_by_nature

    @property
    def address(self) -> str:
        """Name of the setting that says where its server is; empty where there is none."""
        return next((setting.name for setting in self.settings if setting.is_address), "")


PROVIDERS: Mapping[str, ProviderInfo] = {
    "openai": ProviderInfo(
        label="OpenAI",
        description="OpenAI's GPT Image API; needs a key and costs money",
        module=".openai.client",
        factory="OpenAIProvider",
        credit="OpenAI",
        needs_key=True,
        is_paid=True,
        pricing=".openai.pricing",
        settings=(
            ProviderSetting(
                "base_url",
                label="Base URL",
                description="Address of the API; OPENAI_BASE_URL takes precedence",
                default=DEFAULT_BASE_URL,
                variable="OPENAI_BASE_URL",
                variable_help="address of the API; https, or http on this machine",
                is_address=True,
            ),
            ProviderSetting(
                "organization",
                label="Organization",
                description="Sent with each request; OPENAI_ORG_ID takes precedence",
                variable="OPENAI_ORG_ID",
                variable_help="organization, sent with each request",
            ),
            ProviderSetting(
                "project",
                label="Project",
                description="Sent with each request; OPENAI_PROJECT_ID takes precedence",
                variable="OPENAI_PROJECT_ID",
                variable_help="project, sent with each request",
            ),
            ProviderSetting(
                "picture_fields",
                label="Multiple Image Field Name",
                description="How the server wants several images of an edit to be named",
                default="brackets",
                variable="GPT_IMAGE_PICTURE_FIELDS",
                variable_help="how a server wants several images named: brackets (default) or repeated",
                choices=(
                    ("brackets", "image[]", "As OpenAI does"),
                    ("repeated", "image", "As LiteLLM does"),
                ),
            ),
        ),
        is_moderated=True,
        has_batch_api=True,
        key_url="https://platform.openai.com/api-keys",
        billing_url="https://platform.openai.com/settings/organization/billing",
        limits_url="https://platform.openai.com/settings/organization/limits",
        verify_url="https://platform.openai.com/settings/organization/general",
    ),
    "offline": ProviderInfo(
        label="Offline Draft",
        description="Simple drafts drawn on this computer; no key, no network, no cost",
        module=".offline.provider",
        factory="OfflineProvider",
        credit="offline draft",
        hints=".offline.hints",
        default_model="offline-draft",
        usual_seconds=1.0,
        tiles_by_nature=True,
        knows_height=True,
        takes_masks=False,
        has_qualities=False,
        is_draft=True,
        notice="Offline draft: drawn on this computer",
    ),
    "comfyui": ProviderInfo(
        label="ComfyUI",
        description="GPT Image by the nodes of a ComfyUI server, billed to a Comfy account",
        module=".comfyui.client",
        factory="ComfyUIProvider",
        credit="ComfyUI",
        is_paid=True,
        pricing=".comfyui.pricing",
        hints=".comfyui.hints",
        settings=(
            ProviderSetting(
                "comfyui_url",
                label="ComfyUI URL",
                description="Address of the ComfyUI server; GPT_IMAGE_COMFYUI_URL takes precedence",
                default="http://127.0.0.1:8188",
                variable="GPT_IMAGE_COMFYUI_URL",
                variable_help="address of a ComfyUI server; https, or http on this machine",
                flag="URL",
                is_address=True,
            ),
            ProviderSetting(
                "comfyui_headers",
                label="ComfyUI Headers",
                description="What a proxy before ComfyUI asks for, as `Name: value; Other: value`; secrets "
                "are safer in GPT_IMAGE_COMFYUI_HEADERS",
                variable="GPT_IMAGE_COMFYUI_HEADERS",
                variable_help="headers for ComfyUI, as `Name: value; Other: value`",
                flag="HEADERS",
            ),
        ),
        default_model="comfy-gpt-image-2",
        workflow_model="comfy-workflow",
        own_key="COMFY_API_KEY",
        key_label="Comfy account",
        formats=("png",),
        finds_jobs=True,
        describes_server=True,
        key_url="https://platform.comfy.org/profile/api-keys",
        billing_url="https://platform.comfy.org/profile/credits",
    ),
}
"""By the name that requests have. Add new ones at the end: the panel stores their place."""

DEFAULT_PROVIDER = next(iter(PROVIDERS))
"""Of requests from scripts and the command line that name none."""


def find_provider(name: str) -> ProviderInfo:
    """The row of a provider; for one that is not there, one of its name that needs a key and is paid."""
    return PROVIDERS.get(name) or ProviderInfo(name, "", "", "", credit=name, needs_key=True, is_paid=True)


def choose_provider(*, has_key: bool) -> str:
    """The first provider that can be used.

    :param has_key: whether there is a key for those that need one.
    """
    return next(name for name, info in PROVIDERS.items() if has_key or not info.needs_key)


def list_settings() -> tuple[ProviderSetting, ...]:
    """The settings of all providers."""
    return tuple(setting for info in PROVIDERS.values() for setting in info.settings)
