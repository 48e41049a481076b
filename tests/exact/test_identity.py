"""One digest whatever executes a network: a part of what tools.conformance.identity measures."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch

from ddcodec.codecs.schedule_table import ScheduleTable
from ddcodec.errors import DdcodecError
from ddcodec.exact.backends import choose_backend
from ddcodec.prior.load import Prior, load_prior
from ddcodec.recipe.profiles import DEFAULT, FLOAT
from tools.bench.gpu_evidence.__main__ import main
from tools.conformance import identity
from tools.conformance.ways import VARIANTS, Variant, use
from tools.conformance.ways import order as order_of

IMAGES, STEPS = 5, 2
REFERENCE = Variant("batch 3", batch=3)
IN_PROCESS = (
    Variant("batch 1", batch=1),
    Variant("batch 8", batch=8),
    Variant("batch 3, shuffled", batch=3, shuffle=True),
    Variant("channels last", channels_last=True),
    Variant("oneDNN off", mkldnn=False),
    Variant("float32 chunks", backend="float32"),
    Variant("float64", backend="float64"),
    Variant("int8", backend="int8"),
)
# By processes of their own: instruction sets are chosen when a library is loaded, and threads are
# told to give way to other work only then.
SEPARATE = (Variant("2 threads", threads=2), next(v for v in VARIANTS if v.lowest))


@pytest.fixture(autouse=True)
def process_settings() -> Iterator[None]:
    """Variants set them; put them back."""
    threads, mkldnn = torch.get_num_threads(), torch.backends.mkldnn.enabled
    yield
    torch.set_num_threads(threads)
    torch.backends.mkldnn.enabled = mkldnn


@cache
def tiny() -> Prior:
    return load_prior("tiny", profile=FLOAT)


@cache
def images(variant: str, profile: str) -> str:
    chosen = {v.name: v for v in (REFERENCE, *IN_PROCESS)}[variant]
    use(chosen)
    engine = identity.engine_of(tiny(), profile, chosen)
    order = order_of(chosen, IMAGES).tolist()
    return identity.sha256(identity.render(tiny(), engine, tiny().schedule(STEPS), IMAGES, order))


def outputs(variant: Variant, profile: str) -> dict[str, str]:
    use(variant)
    return identity.network_digests(profile, variant)


@cache
def expected_outputs() -> dict[str, str]:
    return outputs(REFERENCE, DEFAULT)


def skip_without(variant: Variant) -> None:
    if variant.backend:
        try:
            choose_backend("cpu", variant.backend)
        except DdcodecError as error:
            pytest.skip(str(error))


@pytest.mark.parametrize("variant", IN_PROCESS, ids=lambda v: v.name)
def test_images_of_the_tiny_prior_have_one_digest(variant: Variant) -> None:
    skip_without(variant)
    assert images(variant.name, DEFAULT) == images(REFERENCE.name, DEFAULT)


@pytest.mark.parametrize("variant", IN_PROCESS, ids=lambda v: v.name)
def test_every_family_of_networks_has_one_digest(variant: Variant) -> None:
    skip_without(variant)
    assert outputs(variant, DEFAULT) == expected_outputs()


def test_threads_and_the_lowest_instruction_sets_change_nothing(tmp_path: Path) -> None:
    table = ScheduleTable().encode(tiny().schedule(STEPS)).hex()
    found = identity.run_all(SEPARATE, [DEFAULT, FLOAT], table, IMAGES, tmp_path)
    for by_profile in found.values():
        assert by_profile[DEFAULT]["images_sha256"] == images(REFERENCE.name, DEFAULT)
        assert by_profile[DEFAULT]["networks_sha256"] == expected_outputs()
    summary = identity.summarise(found, [DEFAULT, FLOAT])
    assert identity.is_identical(summary)
    assert summary[DEFAULT]["most_pixels_that_differ"] == 0
    # Float execution is compared in the same way; it differs on most processors, not on all.
    assert summary[FLOAT]["distinct_digests_of_images"] in (1, 2)
    print(json.dumps(summary, indent=1))


def test_a_second_digest_is_noticed() -> None:
    def report(images: str, output: str) -> identity.Report:
        return {
            DEFAULT: {
                "images_sha256": images,
                "networks_sha256": {"unet": output},
                "images_that_differ": 0,
                "pixels_that_differ": 0,
                "largest_difference": 0,
            }
        }

    def verdict(*reports: identity.Report) -> bool:
        found = {str(number): by_profile for number, by_profile in enumerate(reports)}
        return identity.is_identical(identity.summarise(found, [DEFAULT]))

    assert verdict(report("a", "b"), report("a", "b"))
    assert not verdict(report("a", "b"), report("c", "b"))
    assert not verdict(report("a", "b"), report("a", "c"))


def test_results_of_a_run_that_was_stopped_are_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = []

    def run(variant: Variant, module: str, *words: str) -> str:
        calls.append(words)
        _, profiles, _, count, stem = json.loads(words[-1])
        reports = {}
        for profile in profiles:
            reports[profile] = {"backend": "none", "images_sha256": "", "seconds": 0.0}
            np.save(f"{stem}-{profile}.npy", np.zeros((count, 2, 2, 3), np.uint8))
        Path(f"{stem}.json").write_text(json.dumps(reports))
        return ""

    monkeypatch.setattr(identity, "run_variant", run)
    for profiles in ([DEFAULT], [DEFAULT], [DEFAULT, FLOAT]):
        identity.run_all(SEPARATE, profiles, "", 2, tmp_path)
    assert len(calls) == 2 * len(SEPARATE)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_evidence_of_a_gpu_asks_for_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--out", str(tmp_path)]) == 2
    assert "no CUDA device" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())
