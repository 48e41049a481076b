"""What an installation without extras does: read, check, cut and decode an artifact, in Python."""

import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path

import ddcodec

assert find_spec("torch") is None, "this is to run where torch is not installed"
folder = Path(tempfile.mkdtemp())
with ddcodec.open(sys.argv[1]) as artifact:
    artifact.verify("digest")
    reader = artifact.rows()
    assert reader.images(reader.rows).shape[-1] == 3
    assert reader.probabilities(reader.rows).shape == (len(reader), len(reader.classes))
    parts = [
        artifact.subset(folder / f"{n}.ddz", classes=[name])
        for n, name in enumerate(artifact.classes)
    ]
    ddcodec.merge(parts, folder / "whole.ddz")
    assert ddcodec.decode(artifact, folder / "out", views=None).images == len(reader) * reader.views
    ddcodec.decode(artifact, folder / "side by side", workers=2)
    ddcodec.export(artifact, folder / "arrays", to="numpy")
for use in (lambda: ddcodec.train(sys.argv[1]), lambda: artifact.dataset()):
    try:
        use()
    except ddcodec.DdcodecError as error:
        assert "pip install 'ddcodec[torch]'" in str(error), error
    else:
        raise AssertionError("it needs torch, and did not say so")
print("an installation without extras reads artifacts")
