"""What a running process reads: the newest revision, whether there is a newer one, secrets.

Everything here reads through Django's connection of the calling thread and keeps nothing.
"""

from apps.catalog import secrets
from apps.policies.compile import Sections, join
from apps.policies.models import Revision
from routerctl.engine.specs import RevisionDocument

_SECTIONS = Sections.__struct_fields__


def latest() -> tuple[int, str] | None:
    """The newest revision's id and hash; None when none was published yet. One cheap query."""
    return Revision.objects.values_list("id", "hash").first()


def load_document(revision: str | None = None) -> tuple[int, str, RevisionDocument] | None:
    """The newest revision, or the newest with the hash `revision`: its id, hash and document.

    One query. None when there is none.
    """
    wanted = Revision.objects.all() if revision is None else Revision.objects.filter(hash=revision)
    found = wanted.select_related(*_SECTIONS).first()
    if found is None:
        return None
    sections = Sections(*(bytes(getattr(found, name).content) for name in _SECTIONS))
    return found.pk, found.hash, join(sections)


def load_secrets() -> dict[str, str | None]:
    """Each provider's secret by slug; None where there is none or it is refused. Never log it."""
    return secrets.load()


def secrets_version() -> str:
    """Changes when a provider's secret, reference or origin changes."""
    return secrets.version()
