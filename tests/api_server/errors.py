"""The one exception by which the server refuses a request, and the refusals it makes itself."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

INVALID = "invalid_request_error"


class ApiError(Exception):
    """An HTTP error with the API's error body: `{"error": {message, type, param, code, …}}`."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        type: str = INVALID,
        param: str | None = None,
        code: str | None = None,
        headers: Mapping[str, str] | None = None,
        extra: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.error: dict[str, Any] = {"message": message, "type": type, "param": param, "code": code}
        self.error.update(extra or {})
        self.headers = dict(headers or {})

    def body(self) -> bytes:
        return json.dumps({"error": self.error}, indent=2).encode()


def masked(key: str) -> str:
    """A key as the API repeats it: the first eight and the last four characters, stars between."""
    return f"{key[:8]}{'*' * max(len(key) - 12, 4)}{key[-4:]}" if len(key) > 12 else "*" * len(key)


def bad_request(message: str, param: str | None, code: str | None, *, type: str = INVALID) -> ApiError:
    return ApiError(400, message, param=param, code=code, type=type)


def unauthorized(key: str) -> ApiError:
    where = "You can find your API key at https://platform.openai.com/account/api-keys."
    if not key:
        message = f"You didn't provide an API key in an Authorization header (Bearer YOUR_KEY). {where}"
    else:
        message = f"Incorrect API key provided: {masked(key)}. {where}"
    return ApiError(401, message, code="invalid_api_key")


def unknown_parameter(name: str) -> ApiError:
    return bad_request(f"Unknown parameter: '{name}'.", name, "unknown_parameter")


def missing_parameter(name: str) -> ApiError:
    return bad_request(f"Missing required parameter: '{name}'.", name, "missing_required_parameter")


def unsupported_parameter(name: str, model: str) -> ApiError:
    message = f"Unsupported parameter: '{name}' is not supported with the model '{model}'."
    return bad_request(message, name, "unsupported_parameter")


def invalid_type(name: str, expected: str, got: str) -> ApiError:
    message = f"Invalid type for '{name}': expected {expected}, but got {got} instead."
    return bad_request(message, name, "invalid_type")


def invalid_choice(name: str, value: str, supported: Iterable[str]) -> ApiError:
    names = [f"'{choice}'" for choice in supported]
    listed = " and ".join(", ".join(names).rsplit(", ", 1))
    message = f"Invalid value: '{value}'. Supported values are: {listed}."
    return bad_request(message, name, "invalid_value")


def invalid_value(name: str, message: str) -> ApiError:
    return bad_request(message, name, "invalid_value")


def model_not_found(model: str) -> ApiError:
    message = f"The model '{model}' does not exist or you do not have access to it."
    return ApiError(404, message, code="model_not_found", param="model")


def model_retired(model: str) -> ApiError:
    message = f"The model '{model}' has been deprecated, see https://platform.openai.com/docs/deprecations"
    return ApiError(404, message, code="model_not_found", param="model")
