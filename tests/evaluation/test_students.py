"""Students as users train them: by one call, by the example's loop, and by parts."""

from __future__ import annotations

import importlib.util
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import ddcodec
from ddcodec.artifact import Artifact
from ddcodec.errors import RequestError
from ddcodec.evaluation.evaluate import evaluate
from ddcodec.evaluation.students import StudentTraining
from ddcodec.evaluation.testset import TestPictures
from ddcodec.files.sealed import Checkpoint

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


@pytest.fixture(scope="module")
def artifact(
    image_folder: Path, teacher_folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> Artifact:
    """Soft labels at temperature 4, of crops and mixed pictures, as the demo has them."""
    out = tmp_path_factory.mktemp("students") / "a.ddz"
    options = {"ipc": 8, "views": 6, "view": "crop+cutmix", "teacher": str(teacher_folder)}
    ddcodec.encode(image_folder, out, method="random", **options)  # type: ignore[arg-type]
    return ddcodec.open(out)


def example() -> ModuleType:
    spec = importlib.util.spec_from_file_location("train_student", EXAMPLES / "train_student.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_one_call_gives_the_very_figure_of_a_report(artifact: Artifact, image_folder: Path) -> None:
    test = TestPictures.open(image_folder).for_artifact(artifact)
    protocol = ddcodec.get_protocol("ddz").with_epochs(4)
    (reported,) = evaluate(artifact, test, "convnet3", [3], protocol).accuracies
    assert artifact.path is not None
    student = ddcodec.train(artifact.path, "convnet3", epochs=4, seed=3)
    assert ddcodec.accuracy(student, artifact, image_folder / "test") == reported
    assert ddcodec.accuracy(student, artifact, test) == reported


def test_a_student_that_was_interrupted_goes_on_to_the_same_weights(
    artifact: Artifact, tmp_path: Path
) -> None:
    """In the middle of an epoch of mixed batches, which draw from the same random numbers."""
    protocol = replace(ddcodec.get_protocol("hald").with_epochs(4), batch_size=8)
    training = StudentTraining(artifact, protocol, precision="float32")

    def trained(progress: Any, every: float) -> dict[str, Tensor]:
        student = ddcodec.build_student(artifact, "convnet3", seed=0)
        saved = Checkpoint(tmp_path / "student", b"job", every=every)
        return training.train(student, 5, progress, saved).state_dict()

    whole = trained(None, 1e9)
    steps: list[int] = []

    def stop(done: int, total: int) -> None:
        if done == total // 2 + 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        trained(stop, 0)
    resumed = trained(lambda done, _: steps.append(done), 1e9)
    assert steps[0] == training.plan.steps // 2 + 2 and steps[-1] == training.plan.steps
    assert all(torch.equal(resumed[name], whole[name]) for name in whole)


def test_the_examples_loop_takes_the_reports_steps(artifact: Artifact) -> None:
    """In one order, on float32: the same weights but for rounding."""
    whole = ddcodec.build_student(artifact, "convnet3", seed=1)
    protocol = ddcodec.Protocol("one", "One batch an epoch.", batch_size=24, lr=1e-3, warmup=0.2)
    ddcodec.train(artifact, whole, protocol=protocol, epochs=6, precision="float32")

    by_hand = ddcodec.build_student(artifact, "convnet3", seed=1)
    protocol = protocol.with_epochs(6)
    plan = protocol.plan_for(artifact)
    optimiser, schedule = protocol.optimiser(by_hand, plan)
    data = artifact.dataset()
    assert (plan.epochs, plan.batch_size, plan.steps, data.temperature) == (6, 24, 6, 4.0)
    for _ in range(plan.epochs):
        images, labels = data.batch(range(len(data)))
        loss = ddcodec.student_loss(by_hand(images), labels, data.temperature)
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        schedule.step()
    for ours, theirs in zip(by_hand.parameters(), whole.parameters(), strict=True):
        assert torch.allclose(ours, theirs, atol=2e-4)


def test_the_example_reaches_the_reports_figure(artifact: Artifact, image_folder: Path) -> None:
    test = TestPictures.open(image_folder).for_artifact(artifact)
    protocol = ddcodec.get_protocol("ddz").with_epochs(20)
    reported = evaluate(artifact, test, "convnet3", [0, 1], protocol)
    words = [str(artifact.path), "--test", str(image_folder / "test"), "--epochs", "20"]
    shares = [example().main([*words, "--seed", str(seed)]) for seed in (0, 1)]
    assert reported.mean > 0.8
    assert sum(shares) / 2 == pytest.approx(reported.mean, abs=0.1)  # a picture is 1/12 of them


def test_a_module_of_ones_own_is_trained_in_place(artifact: Artifact, image_folder: Path) -> None:
    linear = nn.Sequential(nn.Flatten(), nn.Linear(3 * 16 * 16, 3))
    before = ddcodec.accuracy(linear, artifact, image_folder)
    assert ddcodec.train(artifact, linear, epochs=20) is linear
    assert not linear.training and ddcodec.accuracy(linear, artifact, image_folder) > before


def test_progress_is_told_in_steps(artifact: Artifact) -> None:
    seen: list[tuple[str, int, int]] = []
    ddcodec.train(artifact, epochs=1, progress=lambda *step: seen.append(step))
    assert seen == [("student", n, 3) for n in (1, 2, 3)]


def test_a_student_is_built_for_the_artifact(artifact: Artifact) -> None:
    student = ddcodec.build_student(artifact)
    assert student(torch.zeros(2, 3, 16, 16)).shape == (2, 3)
    same = ddcodec.build_student(artifact, "convnet3")
    assert all(map(torch.equal, student.parameters(), same.parameters()))


def test_what_cannot_be_trained_is_refused(artifact: Artifact) -> None:
    with pytest.raises(RequestError, match="unknown architecture 'vgg'"):
        ddcodec.train(artifact, "vgg")
    with pytest.raises(RequestError, match="unknown protocol 'adam'"):
        ddcodec.train(artifact, protocol="adam")
    with pytest.raises(RequestError, match="0 epochs"):
        ddcodec.train(artifact, epochs=0)
    with pytest.raises(FileNotFoundError):
        ddcodec.train("none.ddz")
