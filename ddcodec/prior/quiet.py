"""Keep the model libraries' chatter off stderr without hiding an error."""

from __future__ import annotations

import importlib
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["quiet_libraries"]

# What numpy 2 reports of the way diffusers' schedulers turn tensors into arrays.
_DEPRECATIONS = (
    "__array__ implementation doesn't accept a copy keyword",
    "__array_wrap__ must accept context and return_scalar arguments",
)


@contextmanager
def quiet_libraries() -> Iterator[None]:
    """No progress bars and no advice from diffusers and transformers; errors still raise."""
    libraries = [
        importlib.import_module(f"{name}.utils.logging") for name in ("diffusers", "transformers")
    ]
    before = [(lib.get_verbosity(), lib.is_progress_bar_enabled()) for lib in libraries]
    for library in libraries:
        library.set_verbosity_error()
        library.disable_progress_bar()
    try:
        with warnings.catch_warnings():
            for message in _DEPRECATIONS:
                warnings.filterwarnings("ignore", message, DeprecationWarning)
            yield
    finally:
        for library, (verbosity, bars) in zip(libraries, before, strict=True):
            library.set_verbosity(verbosity)
            if bars:
                library.enable_progress_bar()
