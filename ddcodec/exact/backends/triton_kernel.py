"""The kernel of the Triton back end; importing this module imports triton.

One kernel serves matrix products, linear layers and convolutions: a matrix product is the
convolution of pictures of one pixel. Windows are read where they lie, so nothing is copied.
"""

from __future__ import annotations

import triton
import triton.language as tl

__all__ = ["sums_of_products"]


@triton.jit
def sums_of_products(
    a,  # int8 activations [batch, digits, n, height, width, channels]
    b,  # int8 weights [batch, digits, columns, taps, channels], the last two axes contiguous
    out,  # int32 or float32 [batch, n * out_height * out_width, columns], contiguous
    scale_of_a,  # float32 [n], where FACTORS says so
    scale_of_b,  # float32 [columns], likewise
    bias,  # float32 [columns], where HAS_BIAS says so
    rows,  # n * out_height * out_width
    columns,
    channels,
    height,
    width,
    out_height,
    out_width,
    a_batch,  # strides: those of the last axes are 1
    a_digit,
    a_sample,
    a_row,
    a_column,
    b_batch,
    b_digit,
    b_column,
    A_DIGITS: tl.constexpr,
    B_DIGITS: tl.constexpr,
    TAPS: tl.constexpr,  # of the window, row by row
    TAPS_A_ROW: tl.constexpr,
    STRIDE_Y: tl.constexpr,
    STRIDE_X: tl.constexpr,
    PADDING_Y: tl.constexpr,
    PADDING_X: tl.constexpr,
    DILATION_Y: tl.constexpr,
    DILATION_X: tl.constexpr,
    JOINED: tl.constexpr,  # float32 as "Sums" says, else the int32 sums of one digit pair
    FACTORS: tl.constexpr,  # "none"; "in turn", as of "Linear"; "together", as of "Convolution"
    HAS_BIAS: tl.constexpr,
    BLOCK_M: tl.constexpr,
    BLOCK_N: tl.constexpr,
    BLOCK_K: tl.constexpr,
):
    """A tile of sums over all terms, all digit pairs in one pass (spec/exact.md, "Products").

    Integers first: 65,536 products of at most 2^14 stay within 2^30, so no 32-bit sum overflows,
    and their order is free. Then one rounding an operation, in the order of the specification.
    """
    # Neighbours share activations, which are the larger operand, in the cache.
    tiles_of_columns = tl.cdiv(columns, BLOCK_N)
    tiles = tl.cdiv(rows, BLOCK_M) * tiles_of_columns
    item = (tl.program_id(0) // tiles).to(tl.int64)
    tile = tl.program_id(0) % tiles
    m = tile // tiles_of_columns * BLOCK_M + tl.arange(0, BLOCK_M)
    n = tile % tiles_of_columns * BLOCK_N + tl.arange(0, BLOCK_N)
    k = tl.arange(0, BLOCK_K)

    sample = m // (out_height * out_width)
    y = m // out_width % out_height * STRIDE_Y - PADDING_Y
    x = m % out_width * STRIDE_X - PADDING_X
    # Offsets of large batches need more than 32 bits.
    corner = sample.to(tl.int64) * a_sample + y.to(tl.int64) * a_row + x * a_column
    a_rows = a + item * a_batch + corner
    b_columns = b + item * b_batch + n.to(tl.int64) * b_column

    hh = tl.zeros((BLOCK_M, BLOCK_N), dtype=tl.int32)
    if A_DIGITS == 2:
        lh = tl.zeros((BLOCK_M, BLOCK_N), dtype=tl.int32)
    if B_DIGITS == 2:
        hl = tl.zeros((BLOCK_M, BLOCK_N), dtype=tl.int32)
        ll = tl.zeros((BLOCK_M, BLOCK_N), dtype=tl.int32)
    steps_a_tap = tl.cdiv(channels, BLOCK_K)
    # One flat loop, because Triton overlaps loads and products of innermost loops only.
    for step in range(TAPS * steps_a_tap):
        tap = step // steps_a_tap
        c = step % steps_a_tap * BLOCK_K + k
        down = tap // TAPS_A_ROW * DILATION_Y
        right = tap % TAPS_A_ROW * DILATION_X
        inside = (m < rows) & (y + down >= 0) & (y + down < height)
        inside = inside & (x + right >= 0) & (x + right < width)
        a_here = (a_rows + (down * a_row + right * a_column))[:, None] + c[None, :]
        b_here = (b_columns + tap * channels)[None, :] + c[:, None]
        a_mask = inside[:, None] & (c < channels)[None, :]
        b_mask = (n < columns)[None, :] & (c < channels)[:, None]
        a_h = tl.load(a_here, mask=a_mask, other=0)
        b_h = tl.load(b_here, mask=b_mask, other=0)
        hh = tl.dot(a_h, b_h, hh, out_dtype=tl.int32)
        if A_DIGITS == 2:
            a_l = tl.load(a_here + a_digit, mask=a_mask, other=0)
            lh = tl.dot(a_l, b_h, lh, out_dtype=tl.int32)
        if B_DIGITS == 2:
            b_l = tl.load(b_here + b_digit, mask=b_mask, other=0)
            hl = tl.dot(a_h, b_l, hl, out_dtype=tl.int32)
            ll = tl.dot(a_l, b_l, ll, out_dtype=tl.int32)

    if JOINED:
        # Conversions round once. Products with powers of two are exact, so fused or not, only
        # the additions round.
        result = hh.to(tl.float32)
        if B_DIGITS == 2:
            middle = hl.to(tl.float32) + lh.to(tl.float32)
            result = result * 65536.0 + (middle * 256.0 + ll.to(tl.float32))
        elif A_DIGITS == 2:
            result = result * 256.0 + lh.to(tl.float32)
        # From here on a fused multiplication and addition would round once where two roundings
        # are asked for: the kernel must be launched with enable_fp_fusion=False.
        if FACTORS != "none":
            of_a = tl.load(scale_of_a + sample, mask=m < rows, other=0.0)[:, None]
            of_b = tl.load(scale_of_b + n, mask=n < columns, other=0.0)[None, :]
            result = result * of_b * of_a if FACTORS == "in turn" else result * (of_a * of_b)
        if HAS_BIAS:
            result = result + tl.load(bias + n, mask=n < columns, other=0.0)[None, :]
    else:
        result = hh
    place = (item * rows + m)[:, None] * columns + n[None, :]
    tl.store(out + place, result, mask=(m < rows)[:, None] & (n < columns)[None, :])
