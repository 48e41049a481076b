"""``python -m ddcodec`` is ``ddz``."""

from __future__ import annotations

from ddcodec.cli import main

if __name__ == "__main__":
    main()
