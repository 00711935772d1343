"""Beside the API: the sandbox's live page, figures and switches. No key is asked for, and none of it is counted."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Final, cast, get_args

from setsmart_async.errors import ConfigurationError
from setsmart_async.sandbox.answers import FieldProblem, RefusedError, error_answer, invalid, json_answer
from setsmart_async.sandbox.api import SandboxApi
from setsmart_async.sandbox.checks import Shape, read_object, text
from setsmart_async.sandbox.faults import FaultPlan
from setsmart_async.sandbox.openapi import openapi_document
from setsmart_async.sandbox.quota import Algorithm, QuotaRule
from setsmart_async.sandbox.sender import WebhookSender
from setsmart_async.wire import Headers, HttpResponse, Json, JsonObject

PAGE_PATHS: Final = ("/", "/_sandbox", "/_sandbox/")
"""``GET``: the live page."""
LIVE_PATH: Final = "/_sandbox/live.json"
"""``GET``: what the live page shows."""
SETTINGS_PATH: Final = "/_sandbox/settings"
"""``POST`` with ``limit``, ``window``, ``algorithm`` and ``faults``, any of them: changes the rule, plans faults."""
TRIGGER_PATH: Final = "/_sandbox/trigger"
"""``POST`` with ``{"type": ...}`` and perhaps ``data``: sends a webhook; needs a `WebhookSender`."""
OPENAPI_PATH: Final = "/_sandbox/openapi.json"
"""``GET``: an OpenAPI 3.1 document of what is served."""
STATS_PATH: Final = "/_sandbox/stats"
"""``GET``: `SandboxApi.report` as JSON."""

_TRIGGER: Final = Shape(checks={"type": text()}, required=("type",))
_SHOWN: Final = 25
_WINDOWS_SHOWN: Final = 60
_RATE_SECONDS: Final = 3.0
_A_MINUTE: Final = 60.0


class Console:
    """Answers what stands beside the API."""

    def __init__(self, api: SandboxApi, sender: WebhookSender | None) -> None:
        self._api = api
        self._sender = sender

    def answer(self, method: str, target: str, body: bytes, *, is_json: bool, url: str) -> HttpResponse:
        """One request; `is_json` says whether its body was sent as JSON, which no foreign web page may do unasked."""
        if method == "GET" and target in PAGE_PATHS:
            headers = Headers([("Content-Type", "text/html; charset=utf-8"), ("Cache-Control", "no-store")])
            return HttpResponse(status=200, headers=headers, body=_page())
        if method == "GET" and target == LIVE_PATH:
            return json_answer(200, self._live(url))
        if method == "GET" and target == STATS_PATH:
            return json_answer(200, self._api.report())
        if method == "GET" and target == OPENAPI_PATH:
            return json_answer(200, openapi_document(url))
        try:
            if method == "POST" and target == SETTINGS_PATH:
                return json_answer(200, self._change(_sent_as_json(body, is_json=is_json)))
            if method == "POST" and target == TRIGGER_PATH and self._sender is not None:
                return json_answer(200, self._trigger(self._sender, read_object(body)))
        except RefusedError as refusal:
            return error_answer(refusal, "req_outside")
        return error_answer(RefusedError(404, "not_found", "The API begins at /v1."), "req_outside")

    def _live(self, url: str) -> JsonObject:
        api, now = self._api, self._api.true_time()
        rule, recent = api.quota.rule, list(api.statistics.recent)
        lately = [one for one in recent if now - one.at <= _RATE_SECONDS]
        windows = api.quota.windows()[-_WINDOWS_SHOWN:]
        is_open = bool(windows) and windows[-1].start + rule.window > api.now()
        shown: list[Json] = [
            {
                "at": one.at,
                "client": one.client,
                "method": one.method,
                "target": one.target,
                "status": one.status,
                "fault": one.fault,
            }
            for one in reversed(recent[-_SHOWN:])
        ]
        return {
            "url": url,
            "requests": api.statistics.requests,
            "refused": api.statistics.by_status[429],
            "per_second": len(lately) / _RATE_SECONDS,
            "clients": len({one.client for one in recent if now - one.at <= _A_MINUTE}),
            "planned": 0 if api.faults is None else len(api.faults.unmet),
            "rule": {"limit": rule.limit, "window": rule.window, "algorithm": rule.algorithm},
            "used": windows[-1].accepted if is_open else 0,
            "window_ends_in": rule.window - api.now() % rule.window,
            "windows": [{"start": one.start, "accepted": one.accepted, "refused": one.refused} for one in windows],
            "recent": shown,
        }

    def _change(self, fields: JsonObject) -> JsonObject:
        rule, api = self._api.quota.rule, self._api
        limit, window = fields.get("limit", rule.limit), fields.get("window", rule.window)
        algorithm = fields.get("algorithm", rule.algorithm)
        problems = [
            FieldProblem(name, f"must be {what}", "invalid_value")
            for name, fits, what in (
                ("limit", type(limit) is int and limit >= 1, "a whole number, 1 or more"),
                ("window", type(window) in (int, float), "a number of seconds"),
                ("algorithm", algorithm in get_args(Algorithm), f"one of {', '.join(get_args(Algorithm))}"),
            )
            if not fits
        ]
        if problems:
            raise invalid(problems)
        faults = fields.get("faults", [])
        try:
            changed = QuotaRule(cast(int, limit), float(cast(float, window)), cast(Algorithm, algorithm))
            plan = FaultPlan() if api.faults is None else api.faults
            plan.add(*(fault for fault in (faults if isinstance(faults, list) else []) if isinstance(fault, str | int)))
        except ConfigurationError as error:
            raise invalid([FieldProblem("settings", str(error), "invalid_value")]) from None
        api.quota.rule, api.faults = changed, plan
        return {"rule": {"limit": changed.limit, "window": changed.window, "algorithm": changed.algorithm}}

    def _trigger(self, sender: WebhookSender, fields: JsonObject) -> JsonObject:
        _TRIGGER.check_create(fields)
        event_type, data = str(fields["type"]), fields.get("data")
        sent = sender.send(event_type, data if isinstance(data, dict) else sender.example(event_type))
        return {"event": sent, "subscriptions": len(self._api.webhooks.wanting(event_type))}


def _sent_as_json(body: bytes, *, is_json: bool) -> JsonObject:
    if not is_json:
        raise RefusedError(415, "not_json", "Settings are sent as application/json.")
    return read_object(body)


@cache
def _page() -> bytes:
    return Path(__file__).with_name("live.html").read_bytes()
