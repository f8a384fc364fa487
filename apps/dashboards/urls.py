"""The people's door. Every view but sign-in and sign-out needs a signed-in person (middleware)."""

from django.urls import path

from apps.dashboards import (
    account,
    design,
    invitations,
    oidc,
    people,
    second_factor,
    sign_in,
    views,
)
from apps.dashboards.invoices.urls import urlpatterns as invoice_urls
from apps.dashboards.keys import views as keys
from apps.dashboards.log.views import csv as log_csv
from apps.dashboards.log.views import log
from apps.dashboards.objects.urls import object_urls
from apps.dashboards.overview.views import overview
from apps.dashboards.prices.urls import urlpatterns as price_urls
from apps.dashboards.simulate.views import simulator
from apps.dashboards.spend import views as spend_views
from apps.dashboards.system.views import system

urlpatterns = [
    path("", overview, name="home"),
    path("search", views.search, name="search"),
    path("spend", spend_views.spend, name="spend"),
    path("spend.csv", spend_views.spend_csv, name="spend_csv"),
    path("traces", views.traces, name="traces"),
    path("traces.csv", views.traces_csv, name="traces_csv"),
    path("t/<str:trace_id>.json", views.trace_json, name="trace_json"),
    path("t/<str:trace_id>", views.trace, name="trace"),
    path("simulate", simulator, name="simulate"),
    *object_urls(),
    path("keys", keys.key_list, name="keys"),
    path("keys/new", keys.key_new, name="key_new"),
    path("keys/<str:prefix>", keys.key, name="key"),
    path("keys/<str:prefix>/rotate", keys.key_rotate, name="key_rotate"),
    path("keys/<str:prefix>/revoke", keys.key_revoke, name="key_revoke"),
    *invoice_urls,
    *price_urls,
    path("appearance", views.appearance, name="appearance"),
    path("log", log, name="log"),
    path("log.csv", log_csv, name="log_csv"),
    path("system", system, name="system"),
    path("system/design", design.design, name="design"),
    path("system/design/dialog", design.dialog, name="design_dialog"),
    path("people", people.people_list, name="people"),
    path("people/invite", invitations.invite, name="invite"),
    path(
        "people/invitations/<int:invitation_id>/revoke",
        invitations.revoke_invitation,
        name="revoke_invitation",
    ),
    path("people/<int:person_id>", people.person, name="person"),
    path("people/<int:person_id>/edit", people.edit_person, name="edit_person"),
    path("people/<int:person_id>/sign-out", people.end_person_sessions, name="end_person_sessions"),
    path("people/<int:person_id>/remove-factors", people.remove_factors, name="remove_factors"),
    path("join/<str:token>", invitations.join_link, name="join_link"),
    path("join", invitations.join, name="join"),
    # Names that begin with account_, mfa_ and openid_ are those that allauth looks for.
    path("sign-in/", sign_in.SignIn.as_view(), name="account_login"),
    path("sign-in/passkey", sign_in.PasskeySignIn.as_view(), name="passkey_sign_in"),
    path("sign-in/code", sign_in.SecondStep.as_view(), name="mfa_authenticate"),
    path("sign-in/again", sign_in.AgainByPassword.as_view(), name="account_reauthenticate"),
    path("sign-in/again/code", sign_in.AgainByCode.as_view(), name="mfa_reauthenticate"),
    path(
        "sign-in/again/passkey",
        sign_in.AgainByPasskey.as_view(),
        name="mfa_reauthenticate_webauthn",
    ),
    path("sign-in/oidc/<str:provider_id>", oidc.leave, name="openid_connect_login"),
    path("sign-in/oidc/<str:provider_id>/callback", oidc.come_back, name="openid_connect_callback"),
    path("sign-out/", views.sign_out, name="sign_out"),
    path("account", account.account, name="account"),
    path("account/password", account.password, name="password"),
    path("account/sessions/end", account.end_sessions, name="end_sessions"),
    path("account/app", second_factor.add_app, name="add_app"),
    path("account/app/picture.svg", second_factor.app_picture, name="app_picture"),
    path("account/app/remove", second_factor.remove_app, name="remove_app"),
    path("account/passkeys/add", second_factor.add_passkey, name="add_passkey"),
    path(
        "account/passkeys/<int:passkey_id>/remove",
        second_factor.remove_passkey,
        name="remove_passkey",
    ),
    path("account/recovery-codes", second_factor.recovery_codes, name="recovery_codes"),
    path("account/recovery-codes/new", second_factor.new_recovery_codes, name="new_recovery_codes"),
]
