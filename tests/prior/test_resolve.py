"""Where a prior is found: the package, a folder, the hub; and what is never fetched or opened."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from huggingface_hub import constants

from ddcodec.errors import DecodeError, ModelMismatchError, RequestError, UnsupportedFeatureError
from ddcodec.prior.files import digest_files
from ddcodec.prior.load import load_prior
from ddcodec.prior.resolve import resolve_pinned, resolve_prior
from ddcodec.recipe.pin import PriorPin
from tests.hub_server import COMMIT, OTHER_COMMIT, FakeHub, fake_hub

FILES = {"model_index.json": "0" * 64}
WEIGHTS = (
    "text_encoder/model.safetensors",
    "unet/diffusion_pytorch_model.safetensors",
    "vae/diffusion_pytorch_model.safetensors",
)


@pytest.fixture
def hub(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, pipeline_folder: Path
) -> Iterator[FakeHub]:
    """A repository with a small pipeline, and much that nobody needs."""
    with fake_hub(tmp_path / "cache", monkeypatch) as hub:
        hub.hold(pipeline_folder)
        for name in (
            "v1-5-pruned.safetensors",
            "safety_checker/model.safetensors",
            "unet/diffusion_pytorch_model.bin",
            "unet/diffusion_pytorch_model.fp16.safetensors",
            "vae/diffusion_pytorch_model.non_ema.safetensors",
        ):
            hub.files[name] = b"not needed"
        hub.files["README.md"] = b"---\nlicense: openrail\n---\n"
        yield hub


def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)


def test_folder_is_recorded_by_its_base_name_only(pipeline_folder: Path) -> None:
    found = resolve_prior(str(pipeline_folder) + "/")
    assert (found.source, found.revision) == ("random-sd", None)
    assert found.folder == pipeline_folder


def test_hub_id_is_recorded_with_the_commit_that_was_resolved(
    hub: FakeHub, pipeline_folder: Path
) -> None:
    found = resolve_prior("owner/name@v1")
    assert (found.source, found.revision) == ("owner/name", COMMIT)
    assert load_prior(found.folder).pin.digest == load_prior(pipeline_folder).pin.digest


def test_only_what_a_prior_loads_is_fetched(hub: FakeHub, pipeline_folder: Path) -> None:
    resolve_prior("owner/name")
    of_prior = {p.relative_to(pipeline_folder).as_posix() for p in pipeline_folder.rglob("*.*")}
    assert {*hub.fetched} == {*of_prior, "README.md"}
    assert {*WEIGHTS} < of_prior


def test_settings_are_fetched_before_it_is_known_that_weights_will_do(hub: FakeHub) -> None:
    """A prior that cannot be read costs kilobytes, and not its weights."""
    hub.files["unet/diffusion_pytorch_model.bin"] = b"pickle"
    del hub.files["unet/diffusion_pytorch_model.safetensors"]
    del hub.files["unet/diffusion_pytorch_model.fp16.safetensors"]
    with pytest.raises(ModelMismatchError, match=r"unet/diffusion_pytorch_model\.bin is a pickle"):
        resolve_prior("owner/name")
    assert not {*WEIGHTS} & {*hub.fetched}


def test_a_family_that_does_not_run_costs_no_weights(hub: FakeHub) -> None:
    index = json.loads(hub.files["model_index.json"])
    index["transformer"] = ["diffusers", "FluxTransformer2DModel"]
    hub.files["model_index.json"] = json.dumps(index).encode()
    with pytest.raises(UnsupportedFeatureError, match="FluxTransformer2DModel"):
        resolve_prior("owner/name")
    assert not {*WEIGHTS} & {*hub.fetched}


def test_a_variant_is_taken_where_there_is_nothing_else(hub: FakeHub) -> None:
    for name in WEIGHTS:
        ahead, _, _ = name.rpartition(".")
        hub.files[f"{ahead}.fp16.safetensors"] = hub.files.pop(name)
    resolve_prior("owner/name")
    weights = [name for name in hub.fetched if name.endswith(".safetensors")]
    assert weights == [f"{name.removesuffix('.safetensors')}.fp16.safetensors" for name in WEIGHTS]


@pytest.mark.parametrize("there", [True, False])
def test_shards_are_those_that_the_index_names(hub: FakeHub, there: bool) -> None:
    ahead, whole = "unet/diffusion_pytorch_model", hub.files.pop(WEIGHTS[1])
    hub.files[f"{ahead}.safetensors.index.json"] = (
        b'{"weight_map": {"a": "diffusion_pytorch_model-00001-of-00001.safetensors"}}'
    )
    hub.files[f"{ahead}-00001-of-00003.safetensors"] = b"of an older upload"
    if there:
        hub.files[f"{ahead}-00001-of-00001.safetensors"] = whole
        resolve_prior("owner/name")
        assert f"{ahead}-00001-of-00001.safetensors" in hub.fetched
        assert f"{ahead}-00001-of-00003.safetensors" not in hub.fetched
    else:
        with pytest.raises(ModelMismatchError, match=r"lacks unet/.*-of-00001.*which its index"):
            resolve_prior("owner/name")
        assert not {*WEIGHTS} & {*hub.fetched}


@pytest.mark.parametrize(
    ("files", "says"),
    [
        (("v1-5.safetensors",), "has no model_index.json, but v1-5.safetensors.*from_single_file"),
        (("config.json",), "no text-to-image pipeline in diffusers' layout"),
    ],
)
def test_what_is_no_pipeline_says_so(hub: FakeHub, files: tuple[str, ...], says: str) -> None:
    hub.files = dict.fromkeys(files, b"{}")
    with pytest.raises(ModelMismatchError, match=says):
        resolve_prior("owner/name")
    assert hub.fetched == []


@pytest.mark.parametrize("spec", ["/no/such/folder", "./nowhere", "a/b/c", "~/nowhere", "", "a b"])
def test_missing_path_is_not_sent_to_the_hub(hub: FakeHub, spec: str) -> None:
    with pytest.raises(RequestError, match="an existing folder"):
        resolve_prior(spec)
    assert not hub.asked


def test_what_was_fetched_is_found_without_a_network(
    hub: FakeHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = resolve_prior("owner/name")
    offline(monkeypatch)
    assert resolve_prior("owner/name") == first
    assert resolve_prior(first.spec) == first
    with pytest.raises(DecodeError, match=r"owner/name@v1 is not in the local cache.*'FOLDER'"):
        resolve_prior("owner/name@v1")


def test_a_commit_that_is_here_is_never_asked_for(hub: FakeHub) -> None:
    first = resolve_prior("owner/name")
    hub.asked.clear()
    assert resolve_prior(f"owner/name@{COMMIT}") == first
    assert hub.asked == []


def test_a_fetch_that_was_stopped_goes_on(hub: FakeHub, monkeypatch: pytest.MonkeyPatch) -> None:
    first = resolve_prior("owner/name")
    (first.folder / WEIGHTS[1]).resolve().unlink()
    (first.folder / WEIGHTS[1]).unlink()
    with monkeypatch.context() as patch:
        offline(patch)
        with pytest.raises(DecodeError, match="owner/name is only in part in the local cache"):
            resolve_prior("owner/name")
        with pytest.raises(DecodeError, match="which is only in part on this machine"):
            resolve_pinned(PriorPin.of("owner/name", COMMIT, {**FILES, WEIGHTS[1]: "0" * 64}))
    hub.asked.clear()
    resolve_prior("owner/name")
    assert hub.fetched == [WEIGHTS[1]]


def test_a_name_from_a_file_is_looked_for_and_never_fetched(hub: FakeHub) -> None:
    resolve_prior("owner/name")
    hub.asked.clear()
    found = resolve_pinned(PriorPin.of("owner/name", COMMIT, FILES))
    assert (found.source, found.revision) == ("owner/name", COMMIT)
    assert not hub.asked


def test_a_pinned_prior_that_is_not_here_says_how_to_fetch_it(hub: FakeHub) -> None:
    with pytest.raises(DecodeError, match=rf"not on this machine.*prior='owner/name@{COMMIT}'"):
        resolve_pinned(PriorPin.of("owner/name", COMMIT, FILES))
    assert not hub.asked


def test_a_pinned_variant_is_fetched_though_the_hub_has_plain_files_too(
    hub: FakeHub, pipeline_folder: Path
) -> None:
    half = {name: name.replace(".safetensors", ".fp16.safetensors") for name in WEIGHTS}
    hub.files |= {half[name]: hub.files[name] for name in WEIGHTS}
    digests = digest_files(pipeline_folder)
    files = {half.get(name, name): digest for name, digest in digests.items()}
    pin = PriorPin.of("owner/name", COMMIT, files)
    resolve_pinned(pin, "owner/name")
    assert [n for n in hub.fetched if n.endswith(".safetensors")] == sorted(half.values())
    hub.asked.clear()
    assert load_prior("owner/name", pin=pin).pin == pin
    assert hub.asked == []


def test_the_users_own_word_fetches_the_pinned_commit(hub: FakeHub) -> None:
    pin = PriorPin.of("owner/name", OTHER_COMMIT, FILES)
    with pytest.raises(RequestError, match=f"no revision '{OTHER_COMMIT}'"):
        resolve_pinned(pin, "owner/name")
    found = resolve_pinned(replace(pin, revision=COMMIT), "owner/name")
    assert found == resolve_pinned(replace(pin, revision=COMMIT), f"owner/name@{COMMIT}")


@pytest.mark.parametrize("source", ["secret", "~"])
def test_a_name_from_a_file_opens_no_path(
    hub: FakeHub, source: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "secret").mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    with pytest.raises(ModelMismatchError, match="prior='FOLDER'"):
        resolve_pinned(PriorPin.of(source, None, FILES))
    assert not hub.asked


def test_pinned_folder_must_be_pointed_out(hub: FakeHub, pipeline_folder: Path) -> None:
    pin = PriorPin.of("random-sd", None, FILES)
    with pytest.raises(ModelMismatchError, match=r"'random-sd'.*prior='FOLDER'"):
        resolve_pinned(pin)
    assert resolve_pinned(pin, pipeline_folder).folder == pipeline_folder
    assert not hub.asked
