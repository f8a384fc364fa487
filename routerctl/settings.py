"""Django's settings, all of them from `env.py`."""

from datetime import timedelta

from csp.constants import NONE, SELF

from routerctl import embedded, logs
from routerctl.env import ROOT, read_env

embedded.prepare()
ENV = read_env()

SECRET_KEY = ENV.secret_key
DEBUG = False
ALLOWED_HOSTS = list(ENV.allowed_hosts)
ROOT_URLCONF = "routerctl.urls"
ASGI_APPLICATION = "routerctl.asgi.application"
AUTH_USER_MODEL = "accounts.User"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
SIMPLE_HISTORY_HISTORY_CHANGE_REASON_USE_TEXT_FIELD = True

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django_htmx",
    "simple_history",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.usersessions",
    "allauth.socialaccount",
    # It brings a client library along, which only those processes load that use it.
    *(
        ["allauth.socialaccount.providers.openid_connect"]
        if ENV.oidc and ENV.role != "gateway"
        else []
    ),
    "csp",
    "routerctl",
    "apps.accounts",
    "apps.catalog",
    "apps.policies",
    "apps.ledger",
    "apps.rollups",
    "apps.traces",
    "apps.gateway",
    "apps.api",
    "apps.dashboards",
]

MIDDLEWARE = [
    "apps.dashboards.middleware.RequestId",
    "django.middleware.security.SecurityMiddleware",
    "routerctl.static_files.StaticFiles",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "apps.dashboards.middleware.SignInRequired",
    "allauth.account.middleware.AccountMiddleware",
    "apps.dashboards.middleware.SecondFactorRequired",
    "simple_history.middleware.HistoryRequestMiddleware",
]

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [ROOT / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "apps.dashboards.context.frame",
            ],
        },
    }
]

# No CONN_MAX_AGE: under ASGI a request's thread, and the connection with it, is not met again.
DATABASES = {"default": ENV.database}
CACHES = {
    "default": {
        "BACKEND": "routerctl.cache.ForgivingRedisCache",
        "LOCATION": ENV.redis_url,
    }
}
CELERY_BROKER_URL = ENV.broker_url
CELERY_TASK_IGNORE_RESULT = True
CELERY_TIMEZONE = "UTC"
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BEAT_SCHEDULE = {
    # Nobody needs a second one of these: what waited for longer than a minute is thrown away.
    "roll up": {"task": "rollups.roll_up", "schedule": 60.0, "options": {"expires": 60.0}},
}

LOGGING = logs.configure(ENV.log_level)

globals().update(ENV.email)  # EMAIL_HOST and its like
DEFAULT_FROM_EMAIL = ENV.email_from

LANGUAGE_CODE = "en-us"
TIME_ZONE = "UTC"
USE_TZ = True
USE_I18N = False

STATIC_URL = "/static/"
STATIC_ROOT = ROOT / "staticfiles" if ENV.production else None
STATICFILES_DIRS = [ROOT / "static"]
# In development files are served from where they are written; an image collects them when built.
WHITENOISE_USE_FINDERS = WHITENOISE_AUTOREFRESH = not ENV.production
WHITENOISE_MAX_AGE = 60 if ENV.production else 0
WHITENOISE_ALLOW_ALL_ORIGINS = False
STORAGES = {
    "staticfiles": {
        "BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"
        if ENV.production
        else "django.contrib.staticfiles.storage.StaticFilesStorage"
    }
}

AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_ADAPTER = "apps.accounts.adapters.AccountAdapter"
AUTH_PASSWORD_VALIDATORS = [
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 10},
    },
    {
        "NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator",
        "OPTIONS": {"user_attributes": ["email", "name"]},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
# A second factor for whoever changes things. An administrator vouches for the addresses.
SECOND_FACTOR_REQUIRED = ENV.production
MFA_ADAPTER = "apps.accounts.adapters.SecondFactorAdapter"
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
# A code of the 30 seconds before or after does too: clocks differ, and people type slowly.
MFA_TOTP_TOLERANCE = 1
MFA_RECOVERY_CODES_SHOW_ONCE = True
MFA_ALLOW_UNVERIFIED_EMAIL = True
# A session ends with the browser, and after SESSION_COOKIE_AGE at the latest.
ACCOUNT_SESSION_REMEMBER = False
LOGIN_URL = "/sign-in/"
LOGIN_REDIRECT_URL = "/"

# The identity provider, if there is one. What it says of people is not kept, its tokens neither.
OIDC_PROVIDER_ID = "oidc"
SOCIALACCOUNT_ADAPTER = "apps.dashboards.identity.IdentityAdapter"
SOCIALACCOUNT_STORE_TOKENS = False
SOCIALACCOUNT_REQUESTS_TIMEOUT = 10
SOCIALACCOUNT_PROVIDERS = {
    "openid_connect": {
        "OAUTH_PKCE_ENABLED": True,
        "APPS": []
        if ENV.oidc is None
        else [
            {
                "provider_id": OIDC_PROVIDER_ID,
                "name": ENV.oidc.name,
                "client_id": ENV.oidc.client_id,
                "secret": ENV.oidc.client_secret,
                "settings": {"server_url": ENV.oidc.issuer},
            }
        ],
    }
}

SESSION_COOKIE_AGE = int(timedelta(hours=8).total_seconds())
SESSION_COOKIE_SECURE = ENV.production
CSRF_COOKIE_SECURE = ENV.production
CSRF_COOKIE_HTTPONLY = True
SESSION_COOKIE_HTTPONLY = True
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
SECURE_HSTS_SECONDS = int(timedelta(days=365).total_seconds()) if ENV.production else 0
X_FRAME_OPTIONS = "DENY"

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF],
        "connect-src": [SELF],
        "font-src": [SELF],
        "form-action": [SELF],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
    }
}

REST_FRAMEWORK = {
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "UNAUTHENTICATED_USER": None,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "routerctl",
    "VERSION": "0.1.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "OAS_VERSION": "3.1.0",
    "POSTPROCESSING_HOOKS": ["apps.api.schema.add_components"],
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    # No validatorUrl: the docs page calls nobody else.
    "SWAGGER_UI_SETTINGS": {"deepLinking": True, "validatorUrl": None},
}
