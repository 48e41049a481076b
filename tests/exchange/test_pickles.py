"""Files of torch.save that are damaged, old, or want to run something."""

from __future__ import annotations

import io
import os
import pickle
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import ddcodec
from ddcodec.errors import MissingSourceError, SourceError
from ddcodec.exchange.pickles import load_pickle
from tests.exchange.importing.neighbours import class_major, mtt, normalised, pixels


class Malicious:
    """Touches a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, (f"touch {self.path}",)


@pytest.mark.parametrize("zipped", [True, False])
def test_a_malicious_pickle_runs_nothing(zipped: bool, tmp_path: Path) -> None:
    source = mtt(tmp_path / "run", normalised(pixels(20)), class_major(10, 2))
    torch.save(
        [Malicious(tmp_path / "run-by-a-pickle"), torch.zeros(2)],
        source / "labels_best.pt",
        _use_new_zipfile_serialization=zipped,
    )
    with pytest.raises(SourceError, match="may run any code: it was not read"):
        ddcodec.import_artifact(source, tmp_path / "a.ddz", classes="cifar10")
    assert not (tmp_path / "run-by-a-pickle").exists()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["run"]


def test_the_malicious_pickle_would_have_run(tmp_path: Path) -> None:
    pickle.loads(pickle.dumps(Malicious(tmp_path / "run-by-a-pickle")))
    assert (tmp_path / "run-by-a-pickle").exists()


def test_a_plain_pickle_is_no_file_of_torch(tmp_path: Path) -> None:
    path = tmp_path / "data.pt"
    path.write_bytes(pickle.dumps(Malicious(tmp_path / "run-by-a-pickle")))
    with pytest.raises(SourceError, match=r"data\.pt"):
        load_pickle(path)
    assert not (tmp_path / "run-by-a-pickle").exists()


@pytest.mark.parametrize("zipped", [True, False])
@pytest.mark.parametrize("share", [0.0, 0.02, 0.5, 0.95])
def test_a_truncated_file_is_refused(zipped: bool, share: float, tmp_path: Path) -> None:
    path = tmp_path / "data.pt"
    value = [torch.rand(50, 3, 8, 8), torch.zeros(50, dtype=torch.long)]
    torch.save(value, path, _use_new_zipfile_serialization=zipped)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(share * len(whole))])
    with pytest.raises(SourceError, match=r"data\.pt is (truncated or )?damaged"):
        load_pickle(path)


@pytest.mark.parametrize("zipped", [True, False])
def test_a_tensor_that_claims_more_than_its_file_holds_is_not_allocated(
    zipped: bool, tmp_path: Path
) -> None:
    path = tmp_path / "data.pt"
    torch.save(torch.zeros(100_000), path, _use_new_zipfile_serialization=zipped)
    claimed = [b"J" + count.to_bytes(4, "little") for count in (100_000, 0x7FFFFFF0)]
    path.write_bytes(path.read_bytes().replace(*claimed))
    with pytest.raises(SourceError, match=r"data\.pt is damaged"):
        load_pickle(path)


def test_numpy_scalars_are_read_and_numpy_arrays_are_not(tmp_path: Path) -> None:
    scalars = [np.float64(0.5), np.float32(0.25), np.int64(3), np.bool_(True)]
    torch.save({"accs": scalars}, tmp_path / "a.pt")
    assert load_pickle(tmp_path / "a.pt")["accs"] == scalars
    torch.save([np.zeros(3, object)], tmp_path / "b.pt")
    with pytest.raises(SourceError, match="beyond tensors and numbers"):
        load_pickle(tmp_path / "b.pt")


def test_numpy_scalars_of_older_versions_are_read(tmp_path: Path) -> None:
    stream = io.BytesIO()
    torch.save({"accs": [np.float64(0.5)]}, stream)
    path = tmp_path / "a.pt"
    with zipfile.ZipFile(stream) as new, zipfile.ZipFile(path, "w") as old:
        for entry in new.infolist():
            data = new.read(entry).replace(b"numpy._core.multiarray", b"numpy.core.multiarray")
            old.writestr(entry, data)
    assert load_pickle(path)["accs"] == [0.5]


def test_compressed_parts_are_refused(tmp_path: Path) -> None:
    stream = io.BytesIO()
    torch.save(torch.zeros(1000), stream)
    path = tmp_path / "a.pt"
    with (
        zipfile.ZipFile(stream) as new,
        zipfile.ZipFile(path, "w", compression=zipfile.ZIP_DEFLATED) as packed,
    ):
        for entry in new.infolist():
            packed.writestr(entry.filename, new.read(entry))
    with pytest.raises(SourceError, match="holds compressed parts"):
        load_pickle(path)


def test_a_file_that_is_not_there_is_missing(tmp_path: Path) -> None:
    with pytest.raises(MissingSourceError):
        load_pickle(tmp_path / "a.pt")
    with pytest.raises(MissingSourceError, match="no such file or folder"):
        ddcodec.import_artifact(tmp_path / "a.pt", tmp_path / "a.ddz")
