"""Made-up secrets and persons, and prose that has neither."""

SECRETS = {
    "openai_key": "sk-proj-A1b2C3d4E5f6G7h8I9j0K1l2M3n4",
    "anthropic_key": "sk-ant-api03-A1b2C3d4E5f6G7h8I9j0",
    "google_key": "AIzaSyA1b2C3d4E5f6G7h8I9j0K1l2M3n4O5p6Q",
    "google_oauth_token": "ya29.A0ARrdaM-k1l2m3n4o5p6q7r8s9t0",
    "aws_access_key": "AKIAIOSFODNN7EXAMPLE",
    "github_token": "ghp_A1b2C3d4E5f6G7h8I9j0K1l2M3n4O5p6Q7r8",
    "slack_token": "xoxb-123456789012-A1b2C3d4E5f6",
    "slack_webhook": "hooks.slack.com/services/T00000000/B00000000/A1b2C3d4E5f6",
    "stripe_key": "sk_live_A1b2C3d4E5f6G7h8I9j0K1l2",
    "routerctl_key": "rk_live_ab12cd34_A1b2C3d4E5f6G7h8I9j0K1l2M3n4O5p6Q7r8S9t0U1v",
    "routerctl_invitation": "ri_A1b2C3d4E5f6G7h8I9j0K1l2M3n4O5p6Q7r8S9t0U1v",
    "jwt": "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9",
    "private_key": (
        "-----BEGIN RSA PRIVATE KEY-----\nMIIEowIBAAKCAQEA1b2C3\nd4E5+f6/G7==\n"
        "-----END RSA PRIVATE KEY-----"
    ),
}
"""By the kind that should be found; each is a secret wherever it stands."""

ASSIGNED = (
    "api_key = 'a8f3K2l9Q1z7X4c6V8b0'",
    'AWS_SECRET_ACCESS_KEY="wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY1"',
    "client-secret: 9f86d081884c7d659a2feaa0c55ad015",
    'PASSWORD="Tr0ub4dor-and-3-horses"',
)

PERSONAL = {
    "email": ("joe.bloggs+news@mail.example.co.uk", "ÄÖ ana@example.com!"),
    "phone": (
        "+49 30 1234567",
        "+1 (212) 555-0123",
        "(212) 555-0123",
        "212-555-0123",
        "0171 1234567",
        "030/12345678",
        "0049 30 1234567",
        "my phone number is 5552340123",
    ),
    "card": (
        "4111 1111 1111 1111",
        "4111-1111-1111-1111",
        "5555555555554444",
        "3782 822463 10005",
        "order 2024 card 4012888888881881 12/27",
        "2024 4111 1111 1111 1111",
    ),
    "iban": ("DE89 3704 0044 0532 0130 00", "GB82WEST12345698765432", "de89370400440532013000"),
    "us_ssn": ("536-90-4399",),
    "ch_ahv": ("756.9217.0769.85",),
    "br_cpf": ("390.533.447-05",),
    "it_codice_fiscale": ("RCCMNL83S18D969H",),
    "es_dni": ("54362315K", "X-2482300W"),
    "fr_nir": ("2 95 10 99 126 111 93",),
    "gb_nino": ("AB 12 34 56 C",),
}

ORDINARY = (
    "My order 4471-0093 has not arrived since 2024-05-01.",
    "The invoice of 12.05.2024 over 1.234.567,89 EUR is wrong.",
    "We paid $1,299.00 on 05/06/2024 at 14:30:15 for item 0012-3456.",
    "Ticket #20240501123 was closed as a duplicate of 20240501124.",
    "The server at 192.168.100.200 answered in 1234567 microseconds.",
    "ISBN 978-3-16-148410-0 is out of print.",
    "Version 10.0.19045.4291 came out in 2024.",
    "Our risk-assessment-of-something-rather-long is due.",
    "We use sk-learn-based-pipelines-and-nothing-else here.",
    "Please send me a password reset token: I lost mine.",
    "The token: it is a piece of text. The secret: keep it simple and readable, always.",
    "Follow @someone on that site, or meet me @ the station.",
    "Between 1914 1918 and 1939 1945 the world was at war.",
    "Tracking number 1Z999AA10123456784 says it is in transit.",
    "Commit 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b fixed it.",
    "The id is 550e8400-e29b-41d4-a716-446655440000.",
    "1700000000 and 1700000000123 are moments.",
    "Coordinates 52.520008, 13.404954 point to Berlin.",
)
"""Nothing here is secret or personal."""
