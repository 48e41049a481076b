from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import huggingface_hub
import pytest
from huggingface_hub.errors import (
    GatedRepoError,
    LocalEntryNotFoundError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)

from ddcodec.errors import DecodeError, ModelMismatchError
from ddcodec.prior.resolve import resolve_pinned, resolve_prior
from ddcodec.recipe.pin import PriorPin

COMMIT = "451f4fe16113bff5a5d2269ed5ad43b0592e9a14"
FILES = {"model_index.json": "0" * 64}


class Hub:
    """Stands in for ``snapshot_download``: remembers what was asked, answers or raises."""

    def __init__(self, cache: Path) -> None:
        self.cache = cache
        self.error: Exception | None = None
        self.asked: list[tuple[str, str | None]] = []
        self.looked_for: list[tuple[str, str | None]] = []
        self.patterns: list[str] = []

    def __call__(
        self,
        name: str,
        *,
        revision: str | None,
        allow_patterns: list[str],
        local_files_only: bool,
    ) -> str:
        (self.looked_for if local_files_only else self.asked).append((name, revision))
        self.patterns = allow_patterns
        if self.error is not None:
            raise self.error
        return str(self.cache / "snapshots" / COMMIT)


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Hub:
    hub = Hub(tmp_path)
    monkeypatch.setattr(huggingface_hub, "snapshot_download", hub)
    return hub


def test_folder_is_recorded_by_its_base_name_only(pipeline_folder: Path) -> None:
    found = resolve_prior(str(pipeline_folder) + "/")
    assert (found.source, found.revision) == ("random-sd", None)
    assert found.folder == pipeline_folder


def test_hub_id_is_recorded_with_the_commit_that_was_resolved(hub: Hub) -> None:
    found = resolve_prior("owner/name@v1")
    assert hub.asked == [("owner/name", "v1")]
    assert (found.source, found.revision) == ("owner/name", COMMIT)


def test_only_what_a_prior_loads_is_fetched(hub: Hub) -> None:
    resolve_prior("owner/name")
    repository = [
        "v1-5-pruned.safetensors",
        "model_index.json",
        "safety_checker/model.safetensors",
        "tokenizer/merges.txt",
        "unet/config.json",
        "unet/diffusion_pytorch_model.bin",
        "unet/diffusion_pytorch_model.fp16.safetensors",
        "unet/diffusion_pytorch_model.safetensors",
        "unet/diffusion_pytorch_model-00001-of-00002.safetensors",
        "vae/diffusion_pytorch_model.non_ema.safetensors",
    ]
    wanted = huggingface_hub.utils.filter_repo_objects(repository, allow_patterns=hub.patterns)
    assert list(wanted) == [
        "model_index.json",
        "tokenizer/merges.txt",
        "unet/config.json",
        "unet/diffusion_pytorch_model.safetensors",
        "unet/diffusion_pytorch_model-00001-of-00002.safetensors",
    ]


@pytest.mark.parametrize("spec", ["/no/such/folder", "./nowhere", "a/b/c", "~/nowhere", "", "a b"])
def test_missing_path_is_not_sent_to_the_hub(hub: Hub, spec: str) -> None:
    with pytest.raises(DecodeError, match="an existing folder"):
        resolve_prior(spec)
    assert not hub.asked


RESPONSE: Any = SimpleNamespace(headers={}, request=None)


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (LocalEntryNotFoundError("no connection"), "not in the local cache.*prior='FOLDER'"),
        (ConnectionError("no route"), "no route"),
        (RepositoryNotFoundError("404", response=RESPONSE), "no hub repository"),
        (RevisionNotFoundError("404", response=RESPONSE), "no revision 'v1'"),
        (GatedRepoError("403", response=RESPONSE), "hf auth login"),
    ],
    ids=["offline", "no-route", "no-repository", "no-revision", "gated"],
)
def test_failed_download_says_what_to_do(hub: Hub, error: Exception, message: str) -> None:
    hub.error = error
    with pytest.raises(DecodeError, match=message):
        resolve_prior("owner/name@v1")


def test_a_name_from_a_file_is_looked_for_and_never_fetched(hub: Hub) -> None:
    found = resolve_pinned(PriorPin("owner/name", COMMIT, FILES))
    assert (found.source, found.revision) == ("owner/name", COMMIT)
    assert hub.looked_for == [("owner/name", COMMIT)] and not hub.asked


def test_a_pinned_prior_that_is_not_here_says_how_to_fetch_it(hub: Hub) -> None:
    hub.error = LocalEntryNotFoundError("not here")
    with pytest.raises(DecodeError, match=rf"not on this machine.*prior='owner/name@{COMMIT}'"):
        resolve_pinned(PriorPin("owner/name", COMMIT, FILES))
    assert not hub.asked


def test_the_users_own_word_fetches_the_pinned_commit(hub: Hub) -> None:
    resolve_pinned(PriorPin("owner/name", COMMIT, FILES), "owner/name")
    resolve_pinned(PriorPin("owner/name", COMMIT, FILES), f"owner/name@{COMMIT}")
    assert hub.asked == [("owner/name", COMMIT)] * 2


@pytest.mark.parametrize("source", ["secret", "~"])
def test_a_name_from_a_file_opens_no_path(
    hub: Hub, source: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "secret").mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    with pytest.raises(ModelMismatchError, match="prior='FOLDER'"):
        resolve_pinned(PriorPin(source, None, FILES))
    assert not hub.asked and not hub.looked_for


def test_pinned_folder_must_be_pointed_out(hub: Hub, pipeline_folder: Path) -> None:
    pin = PriorPin("random-sd", None, FILES)
    with pytest.raises(ModelMismatchError, match=r"'random-sd'.*prior='FOLDER'"):
        resolve_pinned(pin)
    assert resolve_pinned(pin, pipeline_folder).folder == pipeline_folder
    assert not hub.asked
