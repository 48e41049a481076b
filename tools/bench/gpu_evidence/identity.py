"""Identity of a GPU's bits with those of CPUs: known answers, networks, pictures."""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator

from torch import Tensor

from ddcodec.codecs.schedule_table import ScheduleTable
from ddcodec.errors import DdcodecError
from ddcodec.exact.backends import candidates, choose_backend
from ddcodec.exact.network import ExactNetwork
from ddcodec.prior.load import load_prior
from ddcodec.recipe.profiles import DEFAULT, FLOAT
from tools.bench.gpu_evidence.evidence import CPU, PROFILES, QUICK, Evidence, Report
from tools.conformance import identity
from tools.conformance.vectors import images as image_vectors
from tools.conformance.ways import Variant
from tools.networks.families import families as all_families
from tools.networks.unets import Config, ExactUnets, unet_inputs
from tools.processes import ROOT, surroundings

EVIDENCE = ROOT / "spec" / "evidence"
IMAGES, UNET = EVIDENCE / "identity-cpu.json", EVIDENCE / "sd15-cpu.json"


@contextlib.contextmanager
def _forced(backend: str) -> Iterator[None]:
    """The environment variable by which users choose a back end."""
    before = os.environ.pop("DDCODEC_BACKEND", None)
    os.environ["DDCODEC_BACKEND"] = backend
    try:
        yield
    finally:
        del os.environ["DDCODEC_BACKEND"]
        if before is not None:
            os.environ["DDCODEC_BACKEND"] = before


# Known answers


def known_answers(evidence: Evidence, found: Report) -> None:
    for name in candidates(evidence.device):
        try:
            found[name] = f"passes as {choose_backend(evidence.device, name).name}"
        except DdcodecError as error:
            found[name] = str(error)
            evidence.differences.append(f"known answers of {name}")
    found["chosen"] = choose_backend(evidence.device).name
    if importlib.util.find_spec("pytest") is None:
        found["vectors"] = "left out: pytest is not installed"
        return
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    # The project makes warnings errors; those of another library version do not matter here.
    command += ["-o", "filterwarnings=default", "tests/exact/test_vectors.py"]
    if evidence.scale is QUICK:
        command += ["-k", "test_linear_layers or test_functions"]
    environment = surroundings({**os.environ, "DDCODEC_TEST_DEVICE": str(evidence.device)})
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=200
    )
    lines = done.stdout.strip().splitlines()
    found["vectors"] = lines[-1] if lines else done.stderr[-500:]
    if done.returncode:
        found["vectors_that_fail"] = [line for line in lines if line.startswith("FAILED")][:20]
        evidence.differences.append("vectors")


# Identity


def families(evidence: Evidence, found: Report) -> None:
    made = all_families()
    for profile in PROFILES:
        on_cpu = {
            name: identity.sha256(identity.family_output(name, family, profile, Variant("CPU")))
            for name, family in made.items()
        }
        for backend in candidates(evidence.device):
            for batch in (1, 3, 8):
                evidence.check_time()
                variant = Variant("GPU", batch=batch, backend=backend)
                for name, family in made.items():
                    output = identity.family_output(name, family, profile, variant, evidence.device)
                    what = f"{name}, {profile}, {backend}, batch {batch}"
                    evidence.compare(found, what, identity.sha256(output), on_cpu[name])


def tiny_prior(evidence: Evidence, found: Report) -> None:
    stored = json.loads(image_vectors.OUT.read_text(encoding="utf-8"))
    quick = evidence.scale is QUICK
    backends = candidates(evidence.device)
    for backend in backends[:1] if quick else backends:
        evidence.check_time()
        with _forced(backend):
            built = image_vectors.answers(str(evidence.device), stored["schedule"])
        evidence.compare(found, f"images.json, {backend}", built["profiles"], stored["profiles"])
    committed = json.loads(IMAGES.read_text(encoding="utf-8")) if IMAGES.is_file() else None
    cpu, device = (load_prior("tiny", profile=FLOAT, device=d) for d in (CPU, evidence.device))
    few = min(identity.FIRST, evidence.scale.images)
    if committed is None:
        schedule = cpu.schedule(2)
    else:
        schedule = ScheduleTable().decode(bytes.fromhex(committed["schedule"]))
    reference = identity.engine_of(cpu, DEFAULT, Variant("CPU"))
    expected = identity.sha256(identity.render(cpu, reference, schedule, few))
    if committed is not None and few == identity.FIRST:
        first = committed["ways"][0]["results"][DEFAULT]
        what = f"first {few} images, this CPU against identity-cpu.json"
        evidence.compare(found, what, expected, first[f"first_{few}_sha256"])
    for batch in evidence.scale.batches:
        for backend in backends:
            evidence.check_time()
            engine = identity.engine_of(device, DEFAULT, Variant("", batch=batch, backend=backend))
            images = identity.render(device, engine, schedule, few)
            what = f"first {few} images, {backend}, batch {batch}"
            evidence.compare(found, what, identity.sha256(images), expected)
    if committed is not None and committed["images"] == evidence.scale.images:
        evidence.check_time()
        engine = identity.engine_of(device, DEFAULT, Variant("", batch=250))
        images = identity.render(device, engine, schedule, evidence.scale.images)
        expected = committed["ways"][0]["results"][DEFAULT]["images_sha256"]
        what = f"{evidence.scale.images} images against identity-cpu.json"
        evidence.compare(found, what, identity.sha256(images), expected)


def large_unet(evidence: Evidence, found: Report) -> None:
    (case, config), *_ = evidence.scale.unets.items()
    backends = candidates(evidence.device)
    committed = json.loads(UNET.read_text(encoding="utf-8")) if UNET.is_file() else {}
    for profile in PROFILES:
        expected = committed.get(case, {}).get(profile)
        if expected is None:
            evidence.check_time()
            network = ExactUnets().get(config, profile, CPU, "")
            expected = unet_digests(network, config, range(evidence.scale.rows), 1)
            found[f"{profile}, digests"] = "made on this machine's CPU"
        for backend in backends:
            network = evidence.unets.get(config, profile, evidence.device, backend)
            seconds = 0.0  # of the batch before, a row
            # All large batches in all back ends would take the time of everything else.
            for batch in evidence.scale.batches if backend == backends[0] else (1, 3):
                rows = range(max(batch, evidence.scale.rows))
                evidence.check_time(seconds * len(rows))
                began = time.monotonic()
                digests = unet_digests(network, config, rows, batch)
                seconds = (time.monotonic() - began) / len(rows)
                what = f"{case}-size U-Net, {profile}, {backend}, batch {batch}"
                both = min(len(digests), len(expected))
                evidence.compare(found, what, digests[:both], expected[:both])
                # Rows that no CPU has made are held to those of smaller batches.
                expected = expected + digests[both:]


def unet_digests(network: ExactNetwork, config: Config, rows: range, batch: int) -> list[str]:
    """SHA-256 of each row of one evaluation, by a U-Net with random weights."""
    digests = []
    for start in range(0, len(rows), batch):
        inputs = unet_inputs(config, rows[start : start + batch], network.backend.device)
        output: Tensor = network(**inputs)[0]
        digests += [identity.sha256(row.cpu().contiguous()) for row in output]
    return digests
