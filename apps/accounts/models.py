"""People and API keys: who may ask, and what a key pins.

Both are audited (`audit.save_with_reason` writes them). Secrets are never among what is kept:
a password and a key's digest are one-way, and their history leaves them out.
"""

from datetime import datetime

from django.contrib.auth.models import AbstractBaseUser, BaseUserManager
from django.contrib.postgres.fields import ArrayField
from django.core.validators import RegexValidator
from django.db import models
from django.db.models.functions import Lower

from apps.accounts.audit import AuditedHistory
from apps.accounts.tenants import LONGEST

SCOPES = ("generate", "decide", "feedback", "read", "write")
"""What a key may do; `generate` is the default."""


class Role(models.TextChoices):
    SUPPORT = "support"
    FINANCE = "finance"
    PRODUCT = "product"
    ENGINEER = "engineer"
    AUDITOR = "auditor"
    ADMIN = "admin"


class Theme(models.TextChoices):
    SYSTEM = "system"
    LIGHT = "light"
    DARK = "dark"


class Density(models.TextChoices):
    COMFORTABLE = "comfortable"
    COMPACT = "compact"


class User(AbstractBaseUser):
    """A person, known by e-mail. `role` says what they may do and `tenants` on whose ground, "*"
    on everybody's, none on nobody's: see `permissions.py`."""

    email = models.EmailField(unique=True)
    name = models.CharField(max_length=120, blank=True)
    role = models.CharField(max_length=16, choices=Role)
    tenants = ArrayField(models.CharField(max_length=LONGEST), default=list, blank=True)
    is_active = models.BooleanField(default=True)
    theme = models.CharField(max_length=8, choices=Theme, default=Theme.SYSTEM)
    density = models.CharField(max_length=12, choices=Density, default=Density.COMFORTABLE)
    created_at = models.DateTimeField(auto_now_add=True)

    history = AuditedHistory(
        excluded_fields=["password", "last_login", "theme", "density"], named_by="email"
    )
    objects = BaseUserManager()

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"

    class Meta:
        constraints = [
            # With the column's own uniqueness this makes addresses unique in any spelling.
            models.CheckConstraint(condition=models.Q(email=Lower("email")), name="email_is_lower"),
            models.CheckConstraint(condition=models.Q(role__in=Role.values), name="role_is_known"),
            models.CheckConstraint(
                condition=~models.Q(tenants__contains=[""]), name="tenants_have_names"
            ),
        ]

    def clean(self) -> None:
        self.email = self.email.lower()

    def get_full_name(self) -> str:
        return self.name or self.email


class Invitation(models.Model):
    """Somebody who may become a person, by a link that works once. Only a digest of it is kept."""

    email = models.EmailField()
    role = models.CharField(max_length=16, choices=Role)
    tenants = ArrayField(models.CharField(max_length=LONGEST), default=list, blank=True)
    digest = models.BinaryField(max_length=32, unique=True)
    created_at = models.DateTimeField(auto_now_add=True)
    created_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True, blank=True)
    person = models.OneToOneField(
        User, on_delete=models.PROTECT, null=True, blank=True, related_name="invitation"
    )
    """Who came of it."""

    history = AuditedHistory(excluded_fields=["digest"], named_by="email")

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(email=Lower("email")), name="invited_email_is_lower"
            ),
            models.CheckConstraint(
                condition=models.Q(role__in=Role.values), name="invited_role_is_known"
            ),
            models.CheckConstraint(
                condition=~models.Q(tenants__contains=[""]), name="invited_tenants_have_names"
            ),
        ]

    def __str__(self) -> str:
        return self.email


class ApiKey(models.Model):
    """A client's key. What is not blank is pinned: a request cannot say otherwise.

    `digest` is the HMAC of the whole token (`keys.py`); the token itself is shown once and kept
    nowhere. `tenant` "*" may speak for any tenant.
    """

    class Disclose(models.TextChoices):
        NONE = "none"
        ROUTE = "route"
        DEPLOYMENT = "deployment"

    name = models.CharField(max_length=120)
    prefix = models.CharField(
        max_length=8, unique=True, validators=[RegexValidator(r"\A[a-z0-9]{8}\Z")]
    )
    digest = models.BinaryField(max_length=32)
    tenant = models.CharField(max_length=LONGEST)
    plan = models.CharField(max_length=128, blank=True)
    feature = models.CharField(max_length=128, blank=True)
    app = models.CharField(max_length=128, blank=True)
    scopes = ArrayField(models.CharField(max_length=16), default=list)
    disclose = models.CharField(max_length=12, choices=Disclose, default=Disclose.NONE)
    legacy = models.BooleanField(default=False)
    expires_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    created_by = models.ForeignKey(
        User, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    replaces = models.ForeignKey(
        "self", on_delete=models.PROTECT, null=True, blank=True, related_name="successors"
    )
    """The key whose place this one takes in a rotation."""

    history = AuditedHistory(excluded_fields=["digest"], named_by="prefix")

    class Meta:
        constraints = [
            models.CheckConstraint(condition=~models.Q(tenant=""), name="tenant_is_given"),
            models.CheckConstraint(
                condition=models.Q(scopes__contained_by=list(SCOPES)) & ~models.Q(scopes=[]),
                name="scopes_are_known",
            ),
            models.CheckConstraint(
                condition=models.Q(disclose__in=["none", "route", "deployment"]),
                name="disclose_is_known",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix})"

    def state(self, at: datetime) -> str:
        """`revoked`, `expired` or `live`, at that moment."""
        if self.revoked_at is not None:
            return "revoked"
        return "expired" if self.expires_at is not None and self.expires_at <= at else "live"
