"""The kinds that have pages. A new one is one line here."""

from collections.abc import Mapping

from apps.dashboards.objects.kind import Kind
from apps.dashboards.objects.kinds.features import FEATURES
from apps.dashboards.objects.kinds.providers import PROVIDERS

KINDS: Mapping[str, Kind] = {kind.name: kind for kind in (PROVIDERS, FEATURES)}
"""By the file's names of their lists."""
