"""The kinds that have pages. A new one is one line here."""

from collections.abc import Mapping

from apps.dashboards.objects.kind import Kind
from apps.dashboards.objects.kinds.caps import CAPS
from apps.dashboards.objects.kinds.checks import CHECKS
from apps.dashboards.objects.kinds.deployments import DEPLOYMENTS
from apps.dashboards.objects.kinds.features import FEATURES
from apps.dashboards.objects.kinds.flags import FLAGS
from apps.dashboards.objects.kinds.gates import GATES
from apps.dashboards.objects.kinds.prompts import PROMPTS
from apps.dashboards.objects.kinds.providers import PROVIDERS
from apps.dashboards.objects.kinds.rate_limits import RATE_LIMITS
from apps.dashboards.objects.kinds.routes import ROUTES
from apps.dashboards.objects.kinds.vocabulary import PLANS, TASKS

KINDS: Mapping[str, Kind] = {
    kind.name: kind
    for kind in (
        *(PROVIDERS, DEPLOYMENTS, FEATURES, TASKS, PLANS, PROMPTS, FLAGS),
        *(ROUTES, GATES, CHECKS, CAPS, RATE_LIMITS),
    )
}
"""By the file's names of their lists."""
