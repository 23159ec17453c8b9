"""The structures of ``warpfive_kernels.h``, for ctypes."""

import ctypes
from ctypes import c_double, c_int, c_int64, c_uint64, c_void_p
from enum import IntEnum


class DType(IntEnum):
    """Element types."""

    F32 = 0
    F64 = 1
    F16 = 2
    BF16 = 3
    F8E4M3 = 4
    F8E5M2 = 5
    I8 = 6
    U8 = 7
    I4 = 8
    U4 = 9
    I16 = 10
    I32 = 11
    I64 = 12
    BOOL = 13


class Activation(IntEnum):
    """What is applied to the result of a product."""

    NONE = 0
    RELU = 1
    GELU = 2
    GELU_TANH = 3
    SILU = 4
    SIGMOID = 5
    TANH = 6


class Matrix(ctypes.Structure):
    """Elements ``data[row * rs + column * cs + batch * bs]``."""

    _fields_ = (("data", c_void_p), ("type", c_int), ("rs", c_int64), ("cs", c_int64),
                ("bs", c_int64))  # fmt: skip


class GemmArgs(ctypes.Structure):
    """D = act(alpha A B + beta C + bias) + residual; the header says what each field means."""

    _fields_ = (
        *((name, c_int64) for name in ("m", "n", "k", "batch")),
        *((name, Matrix) for name in ("a", "b", "d", "c", "residual")),
        ("alpha", c_double), ("beta", c_double),
        ("bias", c_void_p), ("bias_of_rows", c_int), ("activation", c_int),
        ("b_scale", c_void_p), ("b_zero", c_void_p), ("b_scale_type", c_int), ("group", c_int64),
        ("a_scale", c_void_p), ("offsets", c_void_p), ("groups", c_int64),
    )  # fmt: skip


class AttentionArgs(ctypes.Structure):
    """softmax(scale q k^T + bias) v; the header says what each field means."""

    _fields_ = (
        ("q", c_void_p), ("k", c_void_p), ("v", c_void_p), ("out", c_void_p), ("type", c_int),
        *((name, c_int64) for name in (
            "batch", "heads", "kv_heads", "queries", "keys", "head_size",
            "q_b", "q_h", "q_s", "k_b", "k_h", "k_s", "v_b", "v_h", "v_s", "o_b", "o_h", "o_s",
        )),
        ("scale", c_double), ("causal", c_int), ("window", c_int64), ("bias", c_void_p),
        ("bias_is_mask", c_int), ("bias_b", c_int64), ("bias_h", c_int64), ("bias_q", c_int64),
        ("key_lengths", c_void_p), ("query_starts", c_void_p), ("key_starts", c_void_p),
        ("table", c_void_p), ("page", c_int64), ("table_stride", c_int64), ("lse", c_void_p),
    )  # fmt: skip


class Window(ctypes.Structure):
    """A window that moves over depth, height and width."""

    _fields_ = (
        *((name, c_int64) for name in ("images", "in_channels", "out_channels", "groups")),
        *((name, c_int64 * 3) for name in (
            "in_", "out", "kernel", "stride", "padding", "dilation",
        )),
        ("channels_last", c_int),
    )  # fmt: skip


class SampleArgs(ctypes.Structure):
    """How tokens are chosen; the header says what each field means."""

    _fields_ = (
        ("logits", c_void_p), ("type", c_int),
        ("rows", c_int64), ("vocabulary", c_int64), ("stride", c_int64),
        ("temperature", c_double), ("top_p", c_double), ("top_k", c_int64),
        ("temperatures", c_void_p), ("top_ps", c_void_p), ("top_ks", c_void_p),
        ("seed", c_uint64), ("offset", c_uint64), ("tokens", c_void_p), ("logprobs", c_void_p),
    )  # fmt: skip
