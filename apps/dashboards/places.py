"""Where things have their pages."""

from django.urls import NoReverseMatch, reverse


def place_of(kind: str, slug: str) -> str:
    """The page of an object: `route`, `deployment`, `provider`, ... and its slug. Empty where its
    kind has none."""
    try:
        return reverse(kind, kwargs={"slug": slug})
    except NoReverseMatch:
        return ""
