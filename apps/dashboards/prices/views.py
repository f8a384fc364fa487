"""The views of prices: the list, one deployment's past, proposals made and decided."""

from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.accounts.models import User
from apps.accounts.permissions import Action, requires
from apps.catalog.models import Deployment
from apps.dashboards.objects.prices import in_force
from apps.dashboards.prices import page as shown
from apps.dashboards.prices.forms import DecisionForm, ImportForm, ProposeForm
from apps.dashboards.respond import done, page
from apps.policies import editing, prices
from routerctl.feeds import Unreadable


@require_safe
@requires(Action.READ_PRICES)
def catalog(request: HttpRequest) -> HttpResponse:
    """What every deployment costs, or with `tab=proposals` what is and was proposed."""
    tab = request.GET.get("tab", "")
    context = {"catalog": shown.catalog(), "tab": tab if tab == "proposals" else ""}
    if context["tab"]:
        context["proposals"] = prices.proposals()
    return page(request, "prices/list", context)


@require_safe
@requires(Action.READ_PRICES)
def deployment(request: HttpRequest, slug: str) -> HttpResponse:
    """Every price that was ever stated for a deployment, which may be gone by now."""
    past, stands = prices.past(slug), Deployment.objects.filter(slug=slug).exists()
    if not past and not stands:
        raise Http404
    rows = shown.recorded(past, shown.today())
    return page(request, "prices/past", {"slug": slug, "stands": stands, "rows": rows})


@require_http_methods(["GET", "HEAD", "POST"])
@requires(Action.EDIT_PRICES)
def propose(request: HttpRequest) -> HttpResponse:
    """One price by hand; its proposal is where it is looked at and approved."""
    if request.method != "POST":
        return page(request, "prices/propose", {"form": _begun(request.GET.get("deployment", ""))})
    form = ProposeForm(request.POST)
    if "add" in request.POST:
        form = form.unjudged(request.POST["add"])
        return page(request, "prices/propose", {"form": form})
    made = _proposed(form, request) if form.is_valid() else None
    if made is None:
        return page(request, "prices/propose", {"form": form}, status=422)
    return done(request, "Proposed. Look at it, and approve it.", "price_proposal", made)


@require_http_methods(["GET", "HEAD", "POST"])
@requires(Action.EDIT_PRICES)
def from_feed(request: HttpRequest) -> HttpResponse:
    """Read a feed; what it says differently becomes a proposal."""
    form = ImportForm(*((request.POST, request.FILES) if request.method == "POST" else ()))
    if request.method != "POST":
        return page(request, "prices/import", {"form": form})
    if form.is_valid():
        feed = form.wanted()
        try:
            version, content = prices.look_up(feed)
        except (Unreadable, prices.Refused) as error:
            form.add_error("file" if feed.text else "feed", str(error))
        else:
            return _kept(request, feed, version, content)
    return page(request, "prices/import", {"form": form}, status=422)


@require_safe
@requires(Action.READ_PRICES)
def proposal(request: HttpRequest, number: int) -> HttpResponse:
    found = _found(number)
    return _proposal_page(request, found, DecisionForm(found))


@require_POST
@requires(Action.EDIT_PRICES)
def decide(request: HttpRequest, number: int) -> HttpResponse:
    """Approve what is ticked, or reject all of a proposal."""
    found = _found(number)
    form = DecisionForm(found, request.POST)
    if not form.is_valid():
        return _proposal_page(request, found, form, 422)
    try:
        said = _decided(request, number, form)
    except (prices.Stale, editing.Conflict) as error:
        form.add_error(None, str(error))
        return _proposal_page(request, _found(number), form, 409)
    except (prices.Refused, editing.Invalid) as error:
        form.add_error("items", str(error))
        return _proposal_page(request, found, form, 422)
    return done(request, said, "prices")


# --------------------------------------------------------------------------- the steps


def _decided(request: HttpRequest, number: int, form: DecisionForm) -> str:
    reason = form.cleaned_data["reason"]
    if request.POST.get("decision") == "reject":
        prices.reject(number, person=_person(request), reason=reason)
        return f"Rejected proposal {number}; no price was changed."
    chosen = form.cleaned_data["items"]
    decided = prices.approve(number, chosen, person=_person(request), source="page", reason=reason)
    count = len(decided.applied)
    return f"Approved {count} price{'' if count == 1 else 's'} of proposal {number}."


def _kept(
    request: HttpRequest, feed: prices.Feed, version: str, content: prices.Content
) -> HttpResponse:
    made = prices.store(feed.name, version, content, person=_person(request), source="page")
    if made is None:
        unmatched = len(content.unmatched)
        said = f"Nothing differs from {feed.name} {version}; it has no price for {unmatched}."
        return done(request, said, "prices")
    return done(request, f"Proposed what {feed.name} {version} says.", "price_proposal", made.pk)


def _proposed(form: ProposeForm, request: HttpRequest) -> int | None:
    """The number of the proposal; None when it could not be made, and the form says why."""
    said = form.cleaned_data
    try:
        made = prices.propose(
            said["deployment"],
            form.proposed(),
            said["until"],
            person=_person(request),
            source="page",
        )
    except editing.Invalid as wrong:
        form.blame(wrong.problems)
        return None
    except prices.Refused as error:
        form.add_error("until", str(error))
        return None
    return int(made.pk)


def _begun(slug: str) -> ProposeForm:
    """The form, with the price of `slug` that is in force."""
    held = next((held for held in editing.entries("deployments") if held.slug == slug), None)
    force = in_force(held.entry) if held else None
    form = ProposeForm.of({"prices": [force]} if force else {})
    form.initial["deployment"] = slug
    return form


def _found(number: int) -> prices.Proposal:
    found = prices.proposal(number)
    if found is None:
        raise Http404
    return found


def _proposal_page(
    request: HttpRequest, found: prices.Proposal, form: DecisionForm, status: int = 200
) -> HttpResponse:
    context = {"proposal": found, "form": form, "lines": shown.lines(found, form, _person(request))}
    return page(request, "prices/proposal", context, status=status)


def _person(request: HttpRequest) -> User:
    assert isinstance(request.user, User)
    return request.user
