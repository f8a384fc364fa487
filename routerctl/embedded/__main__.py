"""`python -m routerctl.embedded remove`: the data directory and its servers, gone for good."""

import sys

from routerctl import embedded

if sys.argv[1:] != ["remove"]:
    sys.exit(__doc__)
embedded.remove()
