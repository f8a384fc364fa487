"""Keys, tokens and passwords, by the shape their makers gave them or by their entropy."""

import math
from collections import Counter

from routerctl.redaction.spans import Detector, by_expression

MIN_ENTROPY_BITS = 3.0
"""Per character. English words in a row have about 2.5 to 3.5 but no digits among them."""

_ENTROPY_SAMPLE = 256


def looks_random(token: bytes) -> bool:
    """Digits among letters, and too little repetition for words."""
    sample = token[:_ENTROPY_SAMPLE]
    return _mixed(sample) and _entropy_bits(sample) >= MIN_ENTROPY_BITS


def _mixed(token: bytes) -> bool:
    """Both digits and letters: `sk-learn-pipelines` is no key."""
    return any(48 <= byte <= 57 for byte in token) and any(byte > 64 for byte in token)


def _entropy_bits(token: bytes) -> float:
    size = len(token)
    return -sum(n / size * math.log2(n / size) for n in Counter(token).values())


def _openai(token: bytes) -> bool:
    return _mixed(token) and not token.startswith(b"sk-ant-")


_NAMED = r"(?:api[_-]?key|access[_-]?key|secret|token|passw(?:or)?d|passphrase|credentials?)"
_ASSIGNED = rf"(?i){_NAMED}[a-z_-]*[\"']?\s*[:=]"

SECRETS: dict[str, Detector] = {
    detector.name: detector
    for detector in (
        by_expression("anthropic_key", r"\bsk-ant-", r"\bsk-ant-[A-Za-z0-9_-]{16,}"),
        by_expression("openai_key", r"\bsk-", r"\bsk-[A-Za-z0-9_-]{20,}", _openai),
        by_expression("google_key", r"AIza", r"\bAIza[A-Za-z0-9_-]{30,}"),
        by_expression("google_oauth_token", r"\bya29\.", r"\bya29\.[A-Za-z0-9_-]{20,}"),
        by_expression(
            "aws_access_key", r"\b(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]",
            r"\b(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}\b",
        ),
        by_expression(
            "github_token", r"\b(?:gh[pousr]|github_pat)_",
            r"\b(?:gh[pousr]_[A-Za-z0-9]{30,}|github_pat_[A-Za-z0-9_]{22,})",
        ),
        by_expression("slack_token", r"\bxox[a-z]-", r"\bxox[a-z]-[A-Za-z0-9-]{10,}"),
        by_expression(
            "slack_webhook", r"hooks\.slack\.com",
            r"hooks\.slack\.com/(?:services|workflows)/[A-Za-z0-9/]{20,}",
        ),
        by_expression(
            "stripe_key", r"\b[rs]k_(?:live|test)_", r"\b[rs]k_(?:live|test)_[A-Za-z0-9]{16,}"
        ),
        by_expression(
            "routerctl_key", r"\brk_(?:dev|live)_",
            r"\brk_(?:dev|live)_[a-z0-9]{8}_[A-Za-z0-9_-]{20,}",
        ),
        by_expression("routerctl_invitation", r"\bri_", r"\bri_[A-Za-z0-9_-]{40,}"),
        by_expression(
            "private_key", r"-----BEGIN [A-Z0-9 ]*PRIVATE KEY",
            r"-----BEGIN [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----"
            r"(?:(?:[A-Za-z0-9+/=\s\\:,]|-[A-Za-z0-9])*-----END [A-Z0-9 ]*-----|"
            r"(?:[\s\\nr]*[A-Za-z0-9+/=]{16,})*)",
        ),
        by_expression(
            "jwt", r"\beyJ[A-Za-z0-9]",
            r"\beyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}",
        ),
        by_expression(
            "bearer_token", r"(?i)\bbearer\s", r"(?i)\bbearer\s+([A-Za-z0-9._~+/=-]{20,})",
            looks_random,
        ),
        by_expression(
            "url_password", r"://[^\s/:@]+:", r"://[^\s/:@]*:([^\s/@]{3,})@"
        ),
        by_expression(
            "assigned_secret", _ASSIGNED, rf"{_ASSIGNED}\s*[\"']?([A-Za-z0-9+/_.=-]{{16,}})",
            looks_random,
        ),
    )
}  # fmt: skip
"""By name, the more particular first: where two claim a span, the first names it."""
