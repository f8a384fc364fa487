"""Which route a request takes: the first, as written, whose conditions hold."""

from collections.abc import Iterable, Mapping

from routerctl.engine.case import Case
from routerctl.engine.revision import Route
from routerctl.engine.specs import FeatureSpec


def match(case: Case, routes: Iterable[Route]) -> Route | None:
    """The route for `case`; a disabled one matches too, and refuses."""
    for route in routes:
        if route.applies(case):
            return route
    return None


def quality_floor(case: Case, route: Route, features: Mapping[str, FeatureSpec]) -> int:
    """The higher of the feature's floor and the route's, in thousandths."""
    feature = features.get(case.request.feature or "")
    floor = route.spec.quality_floor
    return floor if feature is None else max(floor, feature.quality_floor)
