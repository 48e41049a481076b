"""From a source of pictures to an artifact: method, labels on decoded images, file.

The order is what makes labels honest: the method's content is written as a draft, the draft is
rendered as any reader would render it, and the teacher labels those pixels.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import numpy as np

from ddcodec.arrays import Array
from ddcodec.artifact import open_artifact
from ddcodec.container import NewSection, write_container
from ddcodec.encoding.forecast import expected_seconds
from ddcodec.encoding.inputs import Inputs
from ddcodec.encoding.label_sample import sampled_label_bytes
from ddcodec.encoding.labelling import Labelling, hard_label_sections, seed_sections
from ddcodec.encoding.options import EncodeOptions
from ddcodec.encoding.plan import expected_container, expected_sizes, stored_bytes
from ddcodec.encoding.signature import AnyPath, with_options
from ddcodec.encoding.time_limit import (
    TRIAL_SLOTS,
    fitting_ipc,
    parse_seconds,
    picture_seconds,
)
from ddcodec.errors import RequestError
from ddcodec.files import check_replaceable, locked
from ddcodec.methods import package_of
from ddcodec.methods.base import Content
from ddcodec.methods.work import WorkFolder
from ddcodec.progress import displayed
from ddcodec.recipe import profiles
from ddcodec.recipe.head import Head, Recipe
from ddcodec.recipe.layout import Layout
from ddcodec.recipe.parts import Evaluation, LabelRecipe
from ddcodec.recipe.synthesis import Stored
from ddcodec.recipe.view import View
from ddcodec.sources.folder import scan
from ddcodec.sources.source import Source
from ddcodec.version import __version__

if TYPE_CHECKING:
    from ddcodec.classifiers.held_out import HeldOut

__all__ = ["EncodeResult", "encode"]

# Of a trial, which nobody evaluates: real ones may need a teacher first.
_NO_STATISTICS = Evaluation((0, 0, 0), (1, 1, 1), "ddz")


@dataclass(frozen=True, repr=False)
class EncodeResult:
    """What an encode made, or with ``dry_run`` would make.

    Attributes:
        path: the artifact; None for a dry run.
        digest: content digest in hex; empty for a dry run.
        options_used: the options as they were used, for people.
        expected: expected bytes by section kind, estimated from a look at a few images; short of
            what follows from a prior or teacher that is not on this machine.
        expected_seconds: stage -> about how many seconds it would take on this machine, measured by
            a dry run from a little of each; none where prior or teacher are not here.
        training_seconds: about how long a teacher's training would take at most, which a dry run
            found to be needed; None where none is.
        to_fetch: what a dry run found to be fetched from the hub -> bytes.
        file_len: bytes of the artifact; 0 for a dry run.
        warnings: one sentence each: what was converted, skipped or ignored.
        source: the folder of the classes, and what beside it was not used.
        classes: class -> pictures of the source.
        skipped: picture that could not be used -> why.
        teacher: how good the teacher is on pictures that it was not trained on; None where none was
            asked, where ddcodec did not train it, and for a dry run.
        divergence: mean KL divergence of the stored soft labels from the teacher's, in nats at the
            label temperature; None for hard labels and for a dry run.

    >>> options = dict(method="random", ipc=2, labels="hard")
    >>> would = ddcodec.encode("photos", "p.ddz", dry_run=True, **options)
    >>> would.path, would.options_used["size"], sorted(would.expected)
    (None, (16, 16), ['container', 'labels', 'patches', 'pixels', 'seeds'])
    """

    path: Path | None
    digest: str
    options_used: Mapping[str, Any]
    expected: Mapping[str, int]
    file_len: int
    warnings: tuple[str, ...]
    divergence: float | None = None
    teacher: HeldOut | None = None
    to_fetch: Mapping[str, int] = field(default_factory=dict)
    expected_seconds: Mapping[str, float] = field(default_factory=dict)
    training_seconds: float | None = None
    source: str = ""
    classes: Mapping[str, int] = field(default_factory=dict)
    skipped: Mapping[str, str] = field(default_factory=dict)

    def __repr__(self) -> str:
        if self.path is None:
            parts = [f"would take about {sum(self.expected.values()):,} bytes"]
        else:
            parts = [repr(str(self.path)), f"{self.file_len:,} bytes", f"digest {self.digest[:12]}"]
        if self.teacher is not None:
            parts.append(f"teacher {self.teacher.describe()}")
        parts += [f"warning: {warning}" for warning in self.warnings]
        return f"EncodeResult({', '.join(parts)})"


@with_options(EncodeOptions)
def encode(src: AnyPath, out: AnyPath, options: EncodeOptions) -> EncodeResult:
    """Distil an image folder into one ``.ddz``.

    Args:
        src: image folder with one subfolder per class; a training split in it is found.
        out: the artifact to write, atomically.
        options: keyword arguments, the fields of :class:`ddcodec.EncodeOptions`; ``method`` must
            be given.

    Raises:
        RequestError: an option, or two together, make no sense; nothing was done.
        SourceError: the pictures are not usable as they are.
        EncodeError: the request cannot be met; nothing half-written is left.

    >>> made = ddcodec.encode("photos", "p.ddz", method="random", ipc=2, labels="hard")
    >>> made.path.name, ddcodec.open(made.path).digest == made.digest
    ('p.ddz', True)
    """
    with displayed(options.progress) as progress:
        return Encoder(scan(src), Path(out), replace(options, progress=progress)).run()


class Encoder:
    """One run of :func:`encode` on any source.

    Args:
        source: the pictures.
        target: the artifact to write.
        options: how.
    """

    def __init__(self, source: Source, target: Path, options: EncodeOptions) -> None:
        self.inputs, self.target, self.options = Inputs(source, options), target, options
        self.ipc = options.ipc or TRIAL_SLOTS  # until a time limit has said how many
        self.divergence: float | None = None
        options.check_classes(len(source.classes), self.ipc)

    def run(self) -> EncodeResult:
        """Make the artifact, or say what would be made.

        Raises: as :func:`encode`.
        """
        return replace(
            self._dry_run() if self.options.dry_run else self._made(),
            source=self.inputs.source.place,
            classes=dict(zip(self.inputs.source.classes, self.inputs.source.counts, strict=True)),
            skipped=dict(sorted(self.inputs.report.skipped.items())),
        )

    def _made(self) -> EncodeResult:
        self._check_target()
        if self.options.time_limit is None:
            self.inputs.method.check(self.inputs.job(self.ipc))
        if self.options.labels == "teacher":
            self._check_storable()
        with self._work_folder() as work:
            self._keep_time(work)
            content = self.inputs.method.fill(self.inputs.job(self.ipc, work))
            digest = self._write(content, work)
            if self.options.work is None:
                work.remove()
        return EncodeResult(
            path=self.target,
            digest=digest,
            options_used=self.inputs.used(self.ipc),
            expected={},
            file_len=self.target.stat().st_size,
            warnings=self.inputs.warnings(),
            divergence=self.divergence,
            teacher=self.inputs.teacher().held_out if self.options.asks_teacher else None,
        )

    def _keep_time(self, work: WorkFolder) -> None:
        """With a time limit, choose the IPC; a job that goes on keeps what it chose."""
        if self.options.time_limit is None:
            return
        self.ipc = int(work.piece("ipc", self._fitting_ipc)["ipc"])
        self.inputs.method.check(self.inputs.job(self.ipc, work))
        self.inputs.tell(f"{self.ipc} images per class fit into {self.options.time_limit}", 1, 1)

    def _fitting_ipc(self) -> dict[str, Array]:
        limit, classes = (
            parse_seconds(str(self.options.time_limit)),
            len(self.inputs.source.classes),
        )
        self.ipc = TRIAL_SLOTS
        content = self.inputs.method.trial(self.inputs.job(self.ipc))
        with TemporaryDirectory() as folder:
            path = Path(folder) / "trial.ddz"
            head = self._head(content, LabelRecipe("hard"), _NO_STATISTICS)
            self._draft(content, head, path)
            with open_artifact(path) as draft:
                each = picture_seconds(
                    draft, prior=self._prior_of(content), device=self.inputs.device
                )
        ipc = fitting_ipc(limit, each, head.recipe, classes)
        if ipc < 1:
            needed = each * classes * self.options.variations
            raise RequestError(
                f"one generated picture per class takes about {needed:.0f} seconds here, longer "
                f"than time_limit={self.options.time_limit!r} allows; give more time, or fewer "
                "sampling steps or variations"
            )
        if self.inputs.method.stores_pictures:
            ipc = min(ipc, *self.inputs.source.counts)
        return {"ipc": np.array(ipc)}

    def _check_target(self) -> None:
        check_replaceable(self.target)
        if self.target.exists() and not self.options.force:
            raise RequestError(f"{self.target} exists; choose another name, or pass force=True")
        if not self.target.absolute().parent.is_dir():
            raise RequestError(f"the folder {self.target.parent} does not exist; make it first")

    def _check_storable(self) -> None:
        """Before hours of work: can this teacher be stored? One trained here always can."""
        if not self.options.trains_teacher:
            from ddcodec.labels.teacher.fold import check_storable

            check_storable(self.inputs.teacher(), self.inputs.size)

    @contextmanager
    def _work_folder(self) -> Iterator[WorkFolder]:
        """The work folder, held together with the target: no two encodes write one file."""
        own, key = self.target.with_name(self.target.name + ".work"), self.inputs.key()
        chosen = own if self.options.work is None else Path(self.options.work)
        with ExitStack() as stack:
            if chosen.absolute() == own.absolute():
                yield stack.enter_context(WorkFolder.held(own, key))
                return
            stack.enter_context(locked(own, remove=True))
            # A folder of the user's own choice may serve several encodes, one after another.
            wait = partial(self.inputs.tell, f"waiting for another encode in {chosen}", 0, 1)
            yield stack.enter_context(WorkFolder.held(chosen, key, wait=wait))

    def _dry_run(self) -> EncodeResult:
        inputs, to_fetch = self.inputs, self.inputs.to_fetch()
        if to_fetch and self.options.time_limit is not None:  # nor can its speed be known
            used = {k: v for k, v in inputs.used(self.ipc).items() if k != "ipc"}
            return EncodeResult(None, "", used, {}, 0, inputs.warnings(), to_fetch=to_fetch)
        if not to_fetch:
            self._keep_time(WorkFolder())
        expected = expected_sizes(inputs, self.ipc, here=not to_fetch)
        seconds = dict[str, float]()
        if not to_fetch:
            content = Content(Stored(), Layout("single", 1), [])
            if inputs.method.generates:
                content = inputs.method.trial(inputs.job(self.ipc))
            head = self._head(content, self._label_recipe(), _NO_STATISTICS)
            if self.options.labels == "soft" and self.options.label_bytes is None:
                expected["labels"] = sampled_label_bytes(inputs, head) or expected["labels"]
            expected |= stored_bytes(head, content)
            info = self._info(content, "convnet3", bytes(range(32)))
            expected["container"] = expected_container(inputs, head, info, content, expected)
            seconds = expected_seconds(inputs, head, content)
        return EncodeResult(
            None,
            "",
            inputs.used(self.ipc),
            expected,
            0,
            inputs.warnings(),
            to_fetch=to_fetch,
            expected_seconds=seconds,
            training_seconds=None if to_fetch else inputs.training_seconds(),
        )

    def _label_recipe(self) -> LabelRecipe:
        options = self.options
        if options.labels == "hard":
            return LabelRecipe("hard")
        return LabelRecipe(options.labels, options.temperature)

    def _write(self, content: Content, work: WorkFolder) -> str:
        """Draft with hard labels, render it, label it, write the artifact."""
        options = self.options
        head = self._head(content, LabelRecipe("hard"))
        base = self._draft(content, head, work.draft)
        with open_artifact(work.draft) as draft:
            labelling = Labelling(
                draft,
                work,
                prior=self._prior_of(content),
                device=self.inputs.device,
                progress=options.tell,
            )
            sections = [*base, *labelling.pixel_sections()]
            if options.labels == "hard":
                sections += hard_label_sections(head)
            else:
                head = self._head(content, self._label_recipe())
                sections += self._soft_labels(labelling, head)
        digest = write_container(
            self.target,
            head=head.to_map(),
            sections=sections,
            info=self._info(content, *self._teacher_pin()),
            overwrite=options.force,
        )
        work.draft.unlink()
        return digest.hex()

    def _draft(self, content: Content, head: Head, path: Path) -> list[NewSection]:
        """Write a draft with hard labels; its sections short of these."""
        base = [*content.sections, *seed_sections(head, self.options.seed)]
        sections = [*base, *hard_label_sections(head)]
        write_container(path, head=head.to_map(), sections=sections, overwrite=True)
        return base

    def _prior_of(self, content: Content) -> str | None:
        """The prior to render a draft with: the very commit that its pin names."""
        pin = content.prior
        return None if pin is None else pin.describe() if pin.revision else self.options.prior

    def _soft_labels(self, labelling: Labelling, head: Head) -> list[NewSection]:
        """Stored labels, or the teacher that computes them."""
        teacher, options = self.inputs.teacher(), self.options
        if options.labels == "teacher":
            result = labelling.stored_teacher(teacher, head, options.teacher_bits)
        else:
            result = labelling.soft_labels(teacher, head, options.coding, options.seed)
        self.divergence = result.divergence
        return result.sections

    def _head(
        self, content: Content, labels: LabelRecipe, evaluation: Evaluation | None = None
    ) -> Head:
        classes = self.inputs.source.classes
        recipe = Recipe(
            size=self.inputs.size,
            ipc=self.ipc,
            views=self.options.views,
            variations=self.options.variations,
            synthesis=content.synthesis,
            layout=content.layout,
            view=self.inputs.view if self.options.views > 1 else View("identity"),
            labels=labels,
            evaluation=evaluation or self._evaluation(),
        )
        whole = ((0, len(classes)),)
        names = None if self.inputs.names == classes else self.inputs.names
        return Head(classes, whole, whole, recipe, content.prior, names)

    def _evaluation(self) -> Evaluation:
        statistics = self.inputs.statistics()
        return Evaluation(statistics.mean, statistics.std, "ddz")

    def _teacher_pin(self) -> tuple[str, bytes]:
        """What a header says of the teacher: its name and digest; nothing where none is asked."""
        if not self.options.asks_teacher:
            return "", b""
        teacher = self.inputs.teacher()
        return teacher.arch, bytes.fromhex(teacher.digest)

    def _info(self, content: Content, teacher: str, digest: bytes) -> dict[str, Any]:
        options = self.options
        info: dict[str, Any] = {"tool": f"ddcodec {__version__}"}
        # The pixels of exact profiles depend on no environment.
        if content.prior is not None and options.profile == profiles.FLOAT:
            from ddcodec.prior.load import fingerprint

            info["environment"] = fingerprint(self.inputs.device)
        if options.omit_provenance:
            return info
        info |= {
            "method": options.method,
            "options": self.inputs.method.to_map(),
            "images": len(self.inputs.source),
            "source": bytes.fromhex(self.inputs.source.fingerprint),
            **content.info,
        }
        if options.time_limit is not None:
            info["time_limit"] = options.time_limit
        if (package := package_of(options.method)) is not None:
            info["package"] = package
        if options.asks_teacher:
            info["teacher"], info["teacher_digest"] = teacher, digest
        if self.divergence is not None:  # a header holds no floating-point number
            info["labels"] = {"divergence": f"{self.divergence:.3g}"}
            if options.labels == "soft":
                info["labels"]["layers"] = options.label_layers
        return info
