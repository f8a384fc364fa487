"""Texts that do harm wherever they are taken for anything but text.

Whatever of SCRIPTS comes alive in a page says so: its element has the attribute `data-ill`, and
it sets `window.ran`. Whatever of BREAKS becomes a line of its own is a header or an event `ill`.
"""

SCRIPTS = (
    "<script data-ill>window.ran=1</script>",
    '"><img data-ill src=x onerror=window.ran=1>',
    "'><svg data-ill onload=window.ran=1>",
    '" data-ill onfocus=window.ran=1 autofocus x="',
    "</title></textarea></pre></script><script data-ill>window.ran=1</script>",
    "--><iframe data-ill srcdoc='<script>top.ran=1</script>'>",
    "javascript:window.ran=1//",
    "data:text/html,<script data-ill>top.ran=1</script>",
    "<p data-ill hx-get=/system hx-trigger=load>",
    '<noscript><p title="</noscript><img data-ill src=x onerror=window.ran=1>">',
    "&lt;img data-ill src=x onerror=window.ran=1&gt;",
    "<a data-ill href='jav&#x09;ascript:window.ran=1' autofocus>",
)
"""Of pages."""

FORMULAS = (
    '=HYPERLINK("http://elsewhere.example","ill")',
    "+1+cmd|' /C calc'!A0",
    "-2+3",
    "@SUM(1+1)",
    "|calc",
    "%calc",
)
"""Of spreadsheets."""

QUERIES = (
    "'; DROP TABLE ledger_trace; --",
    '" OR 1=1 --',
    "') UNION SELECT digest::text FROM accounts_apikey --",
    "\\'; SELECT 1/0 --",
    "$1 %s %(name)s ?",
)
"""Of databases."""

TEMPLATES = (
    "{{ request.user.password }}",
    "{% debug %}",
    "${7*7} #{7*7} <%= 7*7 %>",
    "{0.__class__.__init__.__globals__}",
    "$(id) `id` ; id | id && id",
    "../../../../etc/passwd",
    "a%0d%0aill: 1%00",
)
"""Of templates, formats, shells, folders and addresses."""

BREAKS = (
    "a\r\nill: 1",
    "a\nill: 1",
    "a\rill: 1",
    'a"}\n{"event":"ill","level":"info"}\n',
    "a\u2028ill: 1\u2029",
    "a\x85ill: 1",
    "\u560d\u560aill: 1",
    "\x1b[2J\x1b]0;ill\x07",
    "a\x00b",
)
"""Of headers, lines and terminals."""

INVISIBLE = ("\u202egnp.ill", "\u200bi\u200dl\ufeffl", "\u2066ill\u2069")
"""For eyes."""

LONG = ("A" * 20_000,)

PRINTABLE = (*SCRIPTS, *FORMULAS, *QUERIES, *TEMPLATES)
EVERYTHING = (*PRINTABLE, *BREAKS, *INVISIBLE, *LONG)
UNPRINTABLE = tuple(text for text in EVERYTHING if not text.isprintable())
