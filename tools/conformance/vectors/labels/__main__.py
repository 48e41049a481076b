"""The command ``python -m tools.conformance.vectors.labels``."""

from __future__ import annotations

import sys

from tools.conformance.vectors.labels import MAKER

sys.exit(MAKER.main())
