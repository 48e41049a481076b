"""The stored parts of soft labels: models of origins, fields of pictures, teachers."""

from __future__ import annotations

from ddcodec import codecs
from ddcodec.arrays import Int16s
from ddcodec.byte_cache import ByteCache
from ddcodec.codecs.label_fields import LabelFields
from ddcodec.codecs.label_model import LabelModel, LabelModelCodec
from ddcodec.codecs.soft_labels import SoftLabels
from ddcodec.codecs.teacher_weights import StoredWeights, TeacherWeights
from ddcodec.container import Section
from ddcodec.errors import HeaderError
from ddcodec.labels.features import FeatureSet
from ddcodec.table.table import Table

__all__ = ["LabelStore"]

Model = tuple[LabelModelCodec, LabelModel]
Weights = tuple[TeacherWeights, StoredWeights]


class LabelStore:
    """The stored parts of an artifact's soft labels.

    Args:
        table: the open table.
    """

    def __init__(self, table: Table) -> None:
        self.table = table
        self._models: ByteCache[int, Model] = ByteCache(table.kept, _model_bytes)
        self._fitting: set[int] = set()

    def check(self) -> None:
        """Check that models fit the recipe's views, and fields and innovations their model.

        Raises:
            HeaderError: a section that does not fit.
        """
        table = self.table
        for section in table.sections("label-model"):
            self._model_codec(section)
        for section in table.sections("label-fields"):
            self._check_fields(section)
        for section in table.sections("labels"):
            codec = codecs.get(section.codec)
            if isinstance(codec, SoftLabels):
                self.check_columns(section, codec)

    def model(self, class_index: int) -> Model:
        """The label model of the origin that holds a class, with its parameters."""
        section = self.table.find("label-model", class_index)
        return self._models.get(
            section.index, lambda: (self._model_codec(section), self.table.decode(section))
        )

    def field(self, class_index: int, slot: int, number: int = 0) -> Int16s:
        """int16 [M, r]: a label field of one slot, by its number among the slot's fields."""
        section = self.table.find("label-fields", class_index, slot)
        if section.index not in self._fitting:
            self._check_fields(section)
            self._fitting.add(section.index)
        box = section.box
        array = self.table.array(section)
        field: Int16s = array[class_index - box.class_start, slot - box.slot_start, number]
        return field

    def teacher(self, class_index: int) -> Weights:
        """The stored teacher of the class's origin: its codec, and its numbers."""
        section = self.table.find("teacher", class_index)
        codec = codecs.get(section.codec)
        assert isinstance(codec, TeacherWeights)
        return codec, self.table.decode(section)

    def check_columns(self, section: Section, codec: SoftLabels) -> None:
        """Check that a section's innovations fit the model of their origin.

        Raises:
            HeaderError: they do not.
        """
        model = self._model_codec(self.table.find("label-model", section.box.class_start))
        wanted = model.classes if codec.step else model.atoms
        if codec.columns not in (0, wanted):
            raise HeaderError(
                f"labels of {codec.columns} columns do not fit their model, which has {wanted}; "
                "the file is damaged",
                section=section.label,
            )

    def _model_codec(self, section: Section) -> LabelModelCodec:
        """The codec, if its features are those of the recipe's views."""
        codec = codecs.get(section.codec)
        assert isinstance(codec, LabelModelCodec)
        which = FeatureSet(codec.parts, codec.degree, codec.response)
        count = which.count(self.table.head.recipe.view)
        if codec.features != count or codec.classes != section.box.class_count:
            raise HeaderError(
                f"a label model of {codec.classes} classes and {codec.features} features, where "
                f"{section.box.class_count} classes have views of {count}; the file is damaged",
                section=section.label,
            )
        if codec.variations not in (1, self.table.head.recipe.variations):
            raise HeaderError(
                f"a label model with {codec.variations} fields for each slot, which has "
                f"{self.table.head.recipe.variations} variations; the file is damaged",
                section=section.label,
            )
        return codec

    def _check_fields(self, section: Section) -> None:
        model = self._model_codec(self.table.find("label-model", section.box.class_start))
        codec = codecs.get(section.codec)
        assert isinstance(codec, LabelFields)
        if codec.shape != (model.variations, model.features, model.atoms):
            raise HeaderError(
                f"label fields do not fit their model, which has {model.variations} for each slot, "
                f"of {model.features} features and {model.atoms} atoms; the file is damaged",
                section=section.label,
            )


def _model_bytes(model: Model) -> int:
    _, arrays = model
    return sum(array.nbytes for array in vars(arrays).values())
