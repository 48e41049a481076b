"""What a user's type checker sees of an installed ddcodec: ``mypy --strict`` must pass on this.

Where types are hidden everything is ``Any``, which ``assert_type`` refuses.
"""

from pathlib import Path
from typing import assert_type

import ddcodec

result = ddcodec.encode("photos", "photos.ddz", method="rded", ipc=10, size=(64, 64))
assert_type(result, ddcodec.EncodeResult)
assert_type(result.path, Path | None)
with ddcodec.open("photos.ddz") as artifact:
    assert_type(artifact, ddcodec.Artifact)
    assert_type(artifact.digest, str)
    data = artifact.dataset(classes=["cat"], views=2)
    assert_type(data.set_epoch(1), None)
    assert_type(data.class_to_idx, dict[str, int])
    assert_type(artifact.rows(ipc=1).rows[0], tuple[int, int])

# A mistake is one to the type checker too: strict mypy reports an ignore that is not needed.
ddcodec.encode("photos", "photos.ddz", method="rded", ipcs=10)  # type: ignore[call-arg]
ddcodec.encoder("photos")  # type: ignore[attr-defined]
