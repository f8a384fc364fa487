"""The pages to look at. `make screenshots` writes them to `screenshots/`."""

SIZES = {"phone": {"width": 390, "height": 844}, "desk": {"width": 1440, "height": 900}}
LOOKS = (("light", "desk"), ("dark", "phone"), ("light", "phone"), ("dark", "desk"))
"""A theme and a size each. The first two have every theme and every size once."""


def addresses(gallery: dict[str, str]) -> dict[str, str]:
    """The path of every page and of the states it can be in, by the name of its picture."""
    return {
        "overview": "/?from=now-1h",
        "overview-invalid": "/?from=last+tuesday",
        "traces": "/traces",
        "traces-filtered": "/traces?status=failed&tenant=pelican-travel&from=now-24h",
        "traces-columns-live": "/traces?live=1&col=session&col=user&col=key&col=cost&from=now-1h",
        "traces-nothing-matches": "/traces?tenant=nobody",
        "traces-invalid": "/traces?from=last+tuesday",
        "not-found": "/search?q=0199d3a1-7c00-7000-8000-00000000dead",
        "no-trace-id": "/search?q=where+is+my+order",
        "no-such-page": "/nowhere",
        "simulate": "/simulate?task=chat&plan=pro&tenant=globex",
        "simulate-nobody": "/simulate?sensitivity=pii&tenant=acme&has=tools",
        "simulate-again": f"/simulate?tenant=acme&trace={gallery['answered']}",
        "simulate-invalid": "/simulate?max_cost_usd=a+lot&feature=gone",
        "spend": "/spend?from=now-24h",
        "spend-by-deployment": "/spend?by=deployment&from=now-24h",
        "spend-nothing": "/spend?from=2020-01-01&to=2020-01-02",
        "log": "/log",
        "log-filtered": "/log?kind=route&source=code&from=now-7d",
        "log-nothing-matches": "/log?object=nothing",
        "log-invalid": "/log?from=last+tuesday",
        "system": "/system",
        "api-docs": "/api/docs/",
        "api-docs-javascript": "/api/docs/?with=javascript",
        "design": "/system/design",
        "design-dialog": "/system/design/dialog",
        **{f"trace-{name}": f"/t/{trace_id}" for name, trace_id in gallery.items()},
    }


def object_addresses() -> dict[str, str]:
    """Those of the configuration's objects, as an admin sees the worked example."""
    return {
        "providers": "/providers",
        "providers-nothing-matches": "/providers?q=nobody",
        "provider": "/providers/openai",
        "provider-history": "/providers/openai?tab=history",
        "provider-yaml": "/providers/openai?tab=yaml",
        "provider-new": "/providers/-/new",
        "provider-edit": "/providers/-/edit/openai",
        "provider-delete": "/providers/-/delete/openai",
        "provider-secret": "/providers/-/secret/openai",
        "deployment-call": "/deployments/-/call/openai/small",
        "deployments": "/deployments",
        "deployment": "/deployments/openai/small",
        "deployment-edit": "/deployments/-/edit/openai/small",
        "deployment-price": "/deployments/-/price/openai/small",
        "features": "/features",
        "feature": "/features/support-chat",
        "feature-edit": "/features/-/edit/support-chat",
        "tasks": "/tasks",
        "task": "/tasks/chat",
        "plan-new": "/plans/-/new",
        "prompts": "/prompts",
        "prompt": "/prompts/strict-support",
        "routes": "/routes",
        "route": "/routes/chat",
        "route-edit": "/routes/-/edit/billing-disputes",
        "route-switch": "/routes/-/switch/chat",
        "route-move": "/routes/-/move/chat",
        "gates": "/gates",
        "gate": "/gates/personal-data-needs-a-dpa",
        "gate-edit": "/gates/-/edit/personal-data-needs-a-dpa",
        "checks": "/checks",
        "check-edit": "/checks/-/edit/no-secrets",
        "rate-limits": "/rate_limits",
        "rate-limit": "/rate_limits/each-tenant",
        "rate-limit-edit": "/rate_limits/-/edit/each-tenant",
        "flags": "/flags",
        "flag": "/flags/cheaper-chat",
        "caps": "/caps",
        "caps-nothing-matches": "/caps?period=total",
        "cap": "/caps/support-chat-free-daily",
        "cap-per-tenant": "/caps/free-tenants-daily",
        "cap-history": "/caps/support-chat-free-daily?tab=history",
        "cap-new": "/caps/-/new",
        "cap-edit": "/caps/-/edit/support-chat-free-daily",
        "cap-delete": "/caps/-/delete/support-chat-free-daily",
        "flag-switch": "/flags/-/switch/cheaper-chat",
    }


def key_addresses(key: str) -> dict[str, str]:
    """Those of API keys, one of which has the prefix `key`."""
    return {
        "keys": "/keys",
        "keys-nothing-matches": "/keys?q=nobody",
        "key-new": "/keys/new",
        "key": f"/keys/{key}",
        "key-rotate": f"/keys/{key}/rotate",
        "key-revoke": f"/keys/{key}/revoke",
    }
