"""Single edits by people and clients: each checks, saves with who and why, and publishes.

Every function is one transaction and returns the revision in force after it. Raises the model's
DoesNotExist for an unknown slug, ValidationError for what a value must not be, and then nothing
was changed.
"""

from django.core.exceptions import ValidationError

from apps.accounts.models import User
from apps.catalog import secrets
from apps.catalog.models import Deployment, Provider
from apps.catalog.origins import origin_of
from apps.policies.models import Flag, Revision, Route
from apps.policies.publishing import change
from apps.policies.rows import price_of
from apps.policies.schema.catalog import PriceEntry


def set_flag(
    *,
    slug: str,
    enabled: bool | None = None,
    percent: int | None = None,
    person: User | None,
    source: str,
    reason: str,
) -> Revision:
    """Switch a flag, or give it to another share of its subjects; None leaves a thing as it is."""
    with change(person=person, source=source, reason=reason) as changing:
        flag = Flag.objects.get(slug=slug)
        flag.enabled = flag.enabled if enabled is None else enabled
        flag.percent = flag.percent if percent is None else percent
        flag.full_clean()
        changing.save(flag)
    return changing.revision


def set_route_enabled(
    *, slug: str, enabled: bool, person: User | None, source: str, reason: str
) -> Revision:
    """A route's kill switch: its requests are refused with `route_disabled` while it is off."""
    with change(person=person, source=source, reason=reason) as changing:
        route = Route.objects.get(slug=slug)
        route.enabled = enabled
        changing.save(route)
    return changing.revision


def set_deployment_enabled(
    *, slug: str, enabled: bool, person: User | None, source: str, reason: str
) -> Revision:
    """A deployment's kill switch: no route calls it while it is off."""
    with change(person=person, source=source, reason=reason) as changing:
        deployment = Deployment.objects.get(slug=slug)
        deployment.enabled = enabled
        changing.save(deployment)
    return changing.revision


def set_price(
    *, deployment: str, price: PriceEntry, person: User | None, source: str, reason: str
) -> Revision:
    """Add a price. One that begins on a day which has a price corrects it from now on; costs
    that were reckoned by the old one stay as they are."""
    with change(person=person, source=source, reason=reason) as changing:
        changing.save(price_of(Deployment.objects.get(slug=deployment).slug, price))
    return changing.revision


def set_provider(
    *,
    slug: str,
    base_url: str | None = None,
    attributes: dict[str, bool | str] | None = None,
    person: User | None,
    source: str,
    reason: str,
) -> Revision:
    """Move a provider, or state other attributes; None leaves a thing as it is.

    A new origin never receives the old one's secret: it is forgotten and must be given again.
    """
    with change(person=person, source=source, reason=reason) as changing:
        provider = Provider.objects.get(slug=slug)
        if base_url is not None:
            _move(provider, base_url)
        provider.attributes = provider.attributes if attributes is None else attributes
        provider.full_clean()
        changing.save(provider)
    return changing.revision


def set_secret(
    *, provider: str, secret: str | None, person: User | None, source: str, reason: str
) -> Revision:
    """Give a provider its secret: `env:NAME`, or the secret itself, which is kept encrypted;
    None takes it away. It is in no revision; gateways hear of it all the same."""
    with change(person=person, source=source, reason=reason) as changing:
        row = Provider.objects.get(slug=provider)
        try:
            _give(row, secret)
        except secrets.SecretRefused as refused:
            raise ValidationError({"secret": str(refused)}) from None
        changing.save(row)
    return changing.revision


def reseal_secrets(*, person: User | None, source: str, reason: str) -> int:
    """Encrypt every stored secret anew with the first key of the ring, so that older keys can be
    taken from it. Returns how many. Raises `secrets.SecretRefused` when one cannot be read."""
    stored = Provider.objects.exclude(secret_ciphertext=None)
    with change(person=person, source=source, reason=reason) as changing:
        for provider in stored:
            secrets.reseal(provider)
            changing.save(provider)
        return len(stored)


def _move(provider: Provider, base_url: str) -> None:
    try:
        origin = origin_of(base_url)
    except ValueError as error:
        raise ValidationError({"base_url": str(error)}) from None
    if origin != origin_of(provider.base_url):
        secrets.forget(provider)
    provider.base_url = base_url


def _give(provider: Provider, secret: str | None) -> None:
    if secret is None:
        secrets.forget(provider)
    elif secret.startswith("env:"):
        secrets.refer(provider, secret)
    else:
        secrets.seal(provider, secret)
