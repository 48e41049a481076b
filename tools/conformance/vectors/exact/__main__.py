"""The command ``python -m tools.conformance.vectors.exact``."""

from __future__ import annotations

import sys

from tools.conformance.vectors.exact import MAKER

sys.exit(MAKER.main())
