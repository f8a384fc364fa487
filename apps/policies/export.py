"""Rows as entries of the file, in one stable order; `rows.py` goes the other way.

Exporting and applying again changes nothing. What equals its default is left out, except where
the file would be harder to read without it. Encrypted secrets are named, never shown.
"""

from collections import defaultdict
from collections.abc import Mapping
from datetime import UTC
from typing import Any

import msgspec
import yaml
from django.db import models

from apps.catalog.models import TOKEN_CLASSES, Deployment, Price, Provider, prices_in_force
from apps.policies.amounts import NANO, THOUSANDTHS, written
from apps.policies.models import (
    Cap,
    Check,
    Feature,
    Flag,
    Gate,
    Plan,
    Prompt,
    RateLimit,
    Route,
    Task,
)
from apps.policies.schema.catalog import STORED
from apps.policies.yaml12 import is_plain_text
from routerctl.engine.conditions import CONDITIONS

Entry = dict[str, Any]


def export() -> str:
    """The configuration in force, as the text of a file."""
    return "\n".join(
        ["version: 1\n", *(list_text(name, listed) for name, listed in _lists() if listed)]
    )


def list_text(name: str, listed: list[Any]) -> str:
    """One of the file's lists as it stands there."""
    return _yaml({name: listed})


def document() -> Entry:
    """The configuration in force as data: what a file that says the same is read as."""
    return as_data({"version": 1, **dict(_lists())})


def as_data(entry: Entry) -> Entry:
    """`entry` with its days as text."""
    data: Entry = msgspec.to_builtins(entry)
    return data


def _lists() -> list[tuple[str, list[Any]]]:
    return [
        ("providers", entries_of(Provider.objects.all())),
        ("deployments", entries_of(Deployment.objects.all())),
        ("tasks", list(Task.objects.values_list("slug", flat=True))),
        ("plans", list(Plan.objects.values_list("slug", flat=True))),
        ("features", entries_of(Feature.objects.all())),
        ("prompts", entries_of(Prompt.objects.all())),
        ("flags", entries_of(Flag.objects.all())),
        ("checks", entries_of(Check.objects.all())),
        ("gates", entries_of(Gate.objects.all())),
        ("routes", entries_of(Route.objects.all())),
        ("caps", entries_of(Cap.objects.all())),
        ("rate_limits", entries_of(RateLimit.objects.all())),
    ]


def entries_of(rows: "models.QuerySet[Any]") -> list[Entry]:
    """Rows of one model as the file writes them, deployments with their prices."""
    if rows.model is not Deployment:
        return [entry_of(row) for row in rows]
    prices = defaultdict(list)
    for price in prices_in_force().filter(deployment__in=rows.values("slug")):
        prices[price.deployment].append(entry_of(price))
    return [{**entry_of(row), **_given(prices=prices[row.slug])} for row in rows]


def entry_of(row: models.Model) -> Entry:
    """`row`, saved or not, as the file writes it; a deployment without its prices."""
    entry: Entry = WRITTEN[type(row)](row)
    return entry


# --------------------------------------------------------------------------- one kind each


def _provider(row: Provider) -> Entry:
    secret = row.secret_reference or (STORED if row.secret_ciphertext is not None else None)
    return {
        "slug": row.slug,
        "adapter": row.adapter,
        "base_url": row.base_url,
        **_given(secret=secret, attributes=_sorted(row.attributes)),
    }


def _deployment(row: Deployment) -> Entry:
    return {
        "slug": row.slug,
        "provider": row.provider_id,
        "model": row.model,
        "region": row.region,
        "context_window": row.context_window,
        "max_output_tokens": row.max_output_tokens,
        **_given(
            capabilities=row.capabilities,
            quality={task: _share(part) for task, part in _sorted(row.quality).items()},
            limits=_sorted(row.limits),
        ),
        **({} if row.enabled else {"enabled": False}),
    }


def _price(row: Price) -> Entry:
    return {
        "from": row.starts_on,
        **_rates(vars(row)),
        **_given(
            request_usd=_usd(row.request_nano_usd) if row.request_nano_usd else None,
            above=[{"input_tokens": tier["input_tokens"], **_rates(tier)} for tier in row.above],
        ),
    }


def _rates(columns: Mapping[str, Any]) -> Entry:
    """Prices by class of token, those that are stated."""
    stated = {
        f"{name}_usd_per_mtok": _usd(columns.get(f"{name}_nano_usd_per_mtok"))
        for name in TOKEN_CLASSES
    }
    return _given(**stated)


def _listed(row: Task | Plan) -> Entry:
    return {"slug": row.slug}


def _feature(row: Feature) -> Entry:
    floor = _share(row.quality_floor) if row.quality_floor else None
    return {"slug": row.slug, **_given(owner=row.owner, quality_floor=floor)}


def _prompt(row: Prompt) -> Entry:
    return {"slug": row.slug, "system": row.system}


def _flag(row: Flag) -> Entry:
    return {
        "slug": row.slug,
        "enabled": row.enabled,
        "percent": row.percent,
        "sticky_by": row.sticky_by,
    }


def _check(row: Check) -> Entry:
    return {"slug": row.slug, "when": _when(row.when), "match": row.match, "do": row.do}


def _gate(row: Gate) -> Entry:
    return {
        "slug": row.slug,
        "when": _when(row.when),
        **_given(require=_sorted(row.require), forbid=_sorted(row.forbid)),
        "otherwise": row.otherwise,
    }


def _route(row: Route) -> Entry:
    return {
        "slug": row.slug,
        "when": _when(row.when),
        "strategy": row.strategy,
        **_given(weights={name: _share(part, 1) for name, part in _sorted(row.weights).items()}),
        "candidates": [_candidate(row, candidate) for candidate in row.candidates],
        **_given(
            fallback=row.fallback,
            prompt=row.prompt_id,
            quality_floor=_share(row.quality_floor) if row.quality_floor else None,
            stream_recovery=None if row.stream_recovery == "error" else row.stream_recovery,
            on_refusal=None if row.on_refusal == "stop" else row.on_refusal,
            sticky_by=row.sticky_by,
            limits=_sorted(row.limits),
        ),
        **({} if row.enabled else {"enabled": False}),
    }


def _candidate(row: Route, candidate: Entry) -> Entry | str:
    if row.strategy != "weighted" and candidate["weight"] == 1:
        return str(candidate["deployment"])
    return {"deployment": candidate["deployment"], "weight": candidate["weight"]}


def _cap(row: Cap) -> Entry:
    return {
        "slug": row.slug,
        "scope": _sorted(row.scope),
        **_given(per=row.per, missing=None if row.missing == "share" else row.missing),
        "period": row.period,
        **_given(
            time_zone=None if row.time_zone == "UTC" else row.time_zone,
            limit_usd=_usd(row.limit_nano_usd),
            limit_tokens=row.limit_tokens,
            limit_requests=row.limit_requests,
            mode=None if row.mode == "closed" else row.mode,
        ),
        "actions": [{"at_percent": a["at_percent"], "do": a["do"], **a} for a in row.actions],
        **_given(raised=_raised(row)),
    }


def _raised(row: Cap) -> Entry | None:
    if row.raised_to is None or row.raised_until is None:
        return None
    to, until = row.raised_to, row.raised_until.astimezone(UTC)
    return _given(
        limit_usd=None if row.limit_nano_usd is None else _usd(to),
        limit_tokens=None if row.limit_tokens is None else to,
        limit_requests=None if row.limit_requests is None else to,
        until=f"{until:%Y-%m-%dT%H:%M:%SZ}",
    )


def _rate_limit(row: RateLimit) -> Entry:
    return {
        "slug": row.slug,
        **_given(scope=_sorted(row.scope), per=row.per),
        "limit_requests": row.limit_requests,
        "period": row.period,
        **_given(burst=row.burst, reserved=_sorted(row.reserved)),
    }


WRITTEN: Mapping[type[models.Model], Any] = {
    Provider: _provider,
    Deployment: _deployment,
    Price: _price,
    Task: _listed,
    Plan: _listed,
    Feature: _feature,
    Prompt: _prompt,
    Flag: _flag,
    Check: _check,
    Gate: _gate,
    Route: _route,
    Cap: _cap,
    RateLimit: _rate_limit,
}
"""What has a spelling in the file, and what writes it."""


def _given(**fields: Any) -> Entry:
    """The fields that say something."""
    return {name: value for name, value in fields.items() if value not in (None, "", [], {})}


def _sorted(mapping: Mapping[str, Any]) -> Entry:
    """PostgreSQL does not keep the order of keys."""
    return dict(sorted(mapping.items()))


def _when(when: Mapping[str, Any]) -> Entry:
    """Conditions in the order in which the language lists them."""
    places = list(CONDITIONS)
    return dict(
        sorted(when.items(), key=lambda item: (places.index(item[0].partition(".")[0]), item[0]))
    )


def _usd(nano_usd: int | None) -> str | None:
    return None if nano_usd is None else written(nano_usd, NANO)


def _share(thousandths: int, shown: int = 2) -> str:
    return written(thousandths, THOUSANDTHS, shown)


# --------------------------------------------------------------------------- text


class _Dumper(yaml.SafeDumper):
    """Indented lists, short collections on one line, no anchors; every text is quoted that
    YAML 1.1 or 1.2 would read as something else."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002  PyYAML asks per value
        return True

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:  # noqa: ARG002
        super().increase_indent(flow, indentless=False)

    def represent_text(self, text: str) -> yaml.ScalarNode:
        style = "|" if "\n" in text else None if is_plain_text(text) else '"'
        return self.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _Dumper.represent_text)


def _yaml(data: Entry) -> str:
    return yaml.dump(
        data,
        Dumper=_Dumper,
        sort_keys=False,
        default_flow_style=None,
        width=100,
        allow_unicode=True,
    )
