"""rANS: what is pushed comes back, as a plain Python coder has it, or an error of ours."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ddcodec.entropy import MAX_LANES, Decoder, Encoder, frequencies
from ddcodec.entropy.rans import MAX_SYMBOLS_A_WORD
from ddcodec.errors import DdcodecError, EncodeError, HeaderError, PayloadError
from tools.conformance.reference import entropy as reference


@dataclass(frozen=True)
class Operation:
    """One operation: ``models`` are tables or counts of bits, ``active`` a number or lanes."""

    kind: str
    values: np.ndarray
    models: Any
    active: Any

    @property
    def lanes(self) -> list[int]:
        return list(range(self.active)) if isinstance(self.active, int) else self.active.tolist()

    @property
    def plain_models(self) -> Any:
        return self.models if isinstance(self.models, int) else self.models.tolist()


@st.composite
def operations(draw: st.DrawFn, lanes: int) -> Operation:
    if draw(st.booleans()):
        active: Any = draw(st.integers(0, lanes))
        count = active
    else:
        chosen = draw(st.sets(st.integers(0, lanes - 1)))
        active = np.array(sorted(chosen), np.intp)
        count = len(active)
    kind = draw(st.sampled_from(["symbols", "bits"]))
    largest = 255 if kind == "symbols" else 16
    sizes = st.integers(0, largest)
    models: Any = (
        draw(sizes)
        if draw(st.booleans())
        else np.array(draw(st.lists(sizes, min_size=count, max_size=count)), np.uint8)
    )
    seed = np.random.default_rng(draw(st.integers(0, 999)))
    if kind == "symbols":
        values = seed.integers(0, 16, count) * (seed.random(count) < 0.4)
    else:
        values = seed.integers(0, 1 << 16, count) & ((1 << np.asarray(models, int)) - 1)
    return Operation(kind, values, models, active)


@st.composite
def programs(draw: st.DrawFn) -> tuple[int, list[Operation]]:
    """Lanes, and operations on them."""
    lanes = draw(st.sampled_from([1, 2, 3, 8, 37]))
    return lanes, draw(st.lists(operations(lanes), max_size=20))


def encode(lanes: int, program: list[Operation]) -> bytes:
    encoder = Encoder(lanes)
    for operation in program:
        push = getattr(encoder, operation.kind)
        push(operation.values, operation.models, operation.active)
    return encoder.finish()


def decode(raw: bytes, lanes: int, program: list[Operation]) -> list[list[int]]:
    decoder = Decoder(raw, lanes)
    found = [getattr(decoder, o.kind)(o.models, o.active).tolist() for o in program]
    decoder.finish()
    return found


@given(programs())
def test_any_operations_come_back(case: tuple[int, list[Operation]]) -> None:
    lanes, program = case
    raw = encode(lanes, program)
    decoder = Decoder(raw, lanes)
    for operation in program:
        found = getattr(decoder, operation.kind)(operation.models, operation.active)
        assert found.dtype == (np.uint8 if operation.kind == "symbols" else np.int32)
        np.testing.assert_array_equal(found, operation.values)
    decoder.finish()


@given(programs())
def test_streams_are_those_of_a_plain_python_coder(case: tuple[int, list[Operation]]) -> None:
    lanes, program = case
    writer = reference.Writer(lanes)
    for o in program:
        getattr(writer, o.kind)(o.values.tolist(), o.plain_models, o.lanes)
    raw = encode(lanes, program)
    assert raw == writer.finish()
    reader = reference.Reader(raw, lanes)
    for o in program:
        assert getattr(reader, o.kind)(o.plain_models, o.lanes) == o.values.tolist()
    reader.finish()


@given(programs(), st.data())
def test_damage_changes_what_is_decoded_or_is_refused(
    case: tuple[int, list[Operation]], data: st.DataObject
) -> None:
    lanes, program = case
    raw = encode(lanes, program)
    place = data.draw(st.integers(0, len(raw) - 1))
    if data.draw(st.booleans()):
        damaged = raw[:place]
    else:
        other = raw[place] ^ data.draw(st.integers(1, 255))
        damaged = raw[:place] + bytes([other]) + raw[place + 1 :]
    try:
        found = decode(damaged, lanes, program)
    except PayloadError:
        return
    # Each stream of an alphabet is the only one of what it decodes to.
    assert found != [o.values.tolist() for o in program]


def test_a_symbol_costs_what_its_frequency_says() -> None:
    rng = np.random.default_rng(0)
    table, lanes, steps = 0x75, 64, 2000
    p = frequencies()[table] / 4096
    values = rng.choice(16, (steps, lanes), p=p)
    encoder = Encoder(lanes)
    for row in values:
        encoder.symbols(row, table, lanes)
    bits = 8 * len(encoder.finish())
    ideal = -np.log2(p[values]).sum()
    assert ideal < bits - 16 * lanes < 1.01 * ideal  # the last 16 bits of each state are the check


def test_a_stream_of_nothing_is_its_states() -> None:
    raw = Encoder(3).finish()
    assert raw == bytes.fromhex("00000100" * 3)
    Decoder(raw, 3).finish()


def test_no_state_lasts_longer_than_promised() -> None:
    table = int(frequencies()[:, 0].argmax())  # its zero costs next to nothing
    lasted = []
    for start in np.random.default_rng(0).integers(0xF0000000, 1 << 32, 100, dtype=np.uint32):
        decoder = Decoder(start.astype("<u4").tobytes(), 1)
        steps = 0
        with pytest.raises(PayloadError, match="too early"):
            while True:
                decoder.symbols(table, 1)
                steps += 1
        lasted.append(steps)
    assert 300 < max(lasted) < MAX_SYMBOLS_A_WORD


@pytest.mark.parametrize("lanes", [-1, 0, MAX_LANES + 1])
def test_the_number_of_lanes_has_bounds(lanes: int) -> None:
    with pytest.raises(HeaderError, match="lanes"):
        Decoder(b"\xff" * 64, lanes)
    with pytest.raises(EncodeError, match="lanes"):
        Encoder(lanes)


@pytest.mark.parametrize(
    ("raw", "lanes"),
    [
        (b"", 1),
        (b"\xff" * 4, 2),
        (b"\xff" * 5, 1),
        (b"\xff\xff\x00\x00", 1),
        (b"\xff" * 4, MAX_LANES),
    ],
)
def test_streams_that_cannot_be_are_refused_at_once(raw: bytes, lanes: int) -> None:
    with pytest.raises(PayloadError):
        Decoder(raw, lanes)


@pytest.mark.parametrize("raw", ["01000100", "00000100 0000", "00000100 ffff"])
def test_an_end_that_is_not_the_encoders_beginning_is_refused(raw: str) -> None:
    with pytest.raises(PayloadError, match="does not end"):
        Decoder(bytes.fromhex(raw), 1).finish()


@pytest.mark.parametrize(
    "push",
    [
        lambda e: e.symbols(np.array([16]), 0, 1),
        lambda e: e.symbols(np.array([-1]), 0, 1),
        lambda e: e.symbols(np.array([1]), 256, 1),
        lambda e: e.symbols(np.array([1, 2]), 0, 1),
        lambda e: e.symbols(np.array([1, 2, 3]), 0, 3),
        lambda e: e.bits(np.array([2]), 1, 1),
        lambda e: e.bits(np.array([-1]), 1, 1),
        lambda e: e.bits(np.array([0]), 17, 1),
        lambda e: e.bits(np.array([0]), -1, 1),
        lambda e: e.bits(np.array([1, 1]), np.array([1, 0]), np.array([0, 1])),
    ],
)
def test_an_encoder_refuses_what_does_not_fit(push: Any) -> None:
    with pytest.raises(EncodeError):
        push(Encoder(2))


def test_an_encoder_keeps_what_it_was_given() -> None:
    values, tables, lanes = np.array([3, 0]), np.array([7, 9], np.uint8), np.array([0, 4])
    encoder = Encoder(5)
    encoder.symbols(values, tables, lanes)
    expected = encoder.finish()
    values[:], tables[:], lanes[:] = 1, 2, 3
    assert encoder.finish() == expected


def test_more_active_lanes_than_lanes_is_a_programming_error() -> None:
    with pytest.raises(ValueError, match="active"):
        Decoder(Encoder(2).finish(), 2).symbols(0, 3)


def test_random_bytes_end_in_numbers_or_in_an_error_of_ours() -> None:
    rng = np.random.default_rng(1)
    outcomes = set()
    for _ in range(500):
        lanes = int(rng.integers(1, 9))
        raw = rng.bytes(int(rng.integers(0, 80)))
        try:
            decoder = Decoder(raw, lanes)
            for _ in range(30):
                decoder.symbols(rng.integers(0, 256, lanes).astype(np.uint8), lanes)
                decoder.bits(int(rng.integers(0, 17)), np.arange(lanes // 2))
            decoder.finish()
        except DdcodecError as error:
            outcomes.add(error.code)
    assert outcomes == {"payload"}
