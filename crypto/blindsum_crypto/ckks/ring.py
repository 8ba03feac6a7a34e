"""The ring through TenSEAL: the number-theoretic transform in bulk. The only file that imports it.

SEAL transforms one ciphertext of up to 16 polynomials a call, so polynomials travel to it as an
uncompressed stream and back as a compressed one, through a file that lives in memory only: what is
transformed may be a client's unsealed vector and must not touch a disk.

Measured on one core (Xeon), streams included: 0.04 s forward, 0.066 s inverse per 2^20
coefficients; the difference is zstd at work on what is no longer uniform.
"""

import ctypes
import os
import struct
from functools import lru_cache
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from tenseal import sealapi

from blindsum_crypto.ckks.modular import Words
from blindsum_crypto.errors import Refused, Unavailable

# SEAL takes at most 16 polynomials and refuses a ciphertext whose polynomials behind the first are
# all zero ("transparent"); one polynomial of ones at the end answers that for every input.
_PADDING_POLYNOMIALS: Final = 1
BATCH: Final = 16 - _PADDING_POLYNOMIALS

_STREAM_HEADER: Final = struct.Struct("<HBBBBHQ")  # magic, size, version, compression, zero, total
_STREAM_MAGIC: Final = 0xA15E
_CIPHERTEXT_BODY: Final = struct.Struct("<4QBQQQdQ")  # parms_id, is_ntt, shape, scale, correction
_WORD_BYTES: Final = 8
_MAX_BODY_BYTES: Final = 1 << 24


class Ring:
    """Z_q[X]/(X^N + 1) for one prime q, with its transform.

    Args:
        prime: q, at most 60 bits, 1 mod 2N.
        degree: N, a power of two.

    Raises:
        Refused: `ring-refused` when SEAL does not grant the ring 128 bits of security.
        Unavailable: `memory-file` where the system has no files in memory (only Linux has).
    """

    def __init__(self, prime: int, degree: int) -> None:
        if not hasattr(os, "memfd_create"):
            raise Unavailable("memory-file", "expected an operating system with memfd_create")
        settings = sealapi.EncryptionParameters(sealapi.SCHEME_TYPE.CKKS)
        settings.set_poly_modulus_degree(degree)
        settings.set_coeff_modulus([sealapi.Modulus(prime)])
        expand_modulus_chain = True
        self._context: Any = sealapi.SEALContext(
            settings, expand_modulus_chain, sealapi.SEC_LEVEL_TYPE.TC128
        )
        if not self._context.parameters_set():
            raise Refused("ring-refused", f"SEAL says {self._context.parameters_error_name()}")
        self._evaluator: Any = sealapi.Evaluator(self._context)
        self._degree = degree
        self._version = self._stream_version()

    def forward(self, polynomials: Words) -> Words:
        """Coefficients to the transformed domain: uint64 below q, shape (n, degree), fresh."""
        return self._transform(polynomials, inverse=False)

    def inverse(self, polynomials: Words) -> Words:
        """Back to coefficients: uint64 below q, shape (n, degree), fresh."""
        return self._transform(polynomials, inverse=True)

    def _transform(self, polynomials: Words, *, inverse: bool) -> Words:
        result = np.empty_like(polynomials)
        for start in range(0, len(polynomials), BATCH):
            batch = polynomials[start : start + BATCH]
            result[start : start + BATCH] = self._transform_batch(batch, inverse=inverse)
        return result

    def _transform_batch(self, polynomials: Words, *, inverse: bool) -> Words:
        padding = np.ones((_PADDING_POLYNOMIALS, self._degree), np.uint64)
        padded = np.concatenate([polynomials, padding])
        ciphertext = sealapi.Ciphertext()
        # A memory file for every call: no state to lock between threads or to share with a fork.
        descriptor = os.memfd_create("blindsum-ring")
        try:
            self._load(ciphertext, descriptor, padded, is_transformed=inverse)
            if inverse:
                self._evaluator.transform_from_ntt_inplace(ciphertext)
            else:
                self._evaluator.transform_to_ntt_inplace(ciphertext)
            body = _saved_body(ciphertext, descriptor)
        finally:
            os.close(descriptor)
        prefix = self._body_prefix(len(padded), is_transformed=not inverse)
        if body.size != len(prefix) + padded.nbytes or body[: len(prefix)].tobytes() != prefix:
            raise Unavailable("tenseal-stream", "expected a ciphertext stream of SEAL 4.3")
        words = body[len(prefix) :].view("<u8").reshape(padded.shape)
        return words[: len(polynomials)]

    def _load(
        self,
        ciphertext: sealapi.Ciphertext,
        descriptor: int,
        polynomials: Words,
        *,
        is_transformed: bool,
    ) -> None:
        prefix = self._body_prefix(len(polynomials), is_transformed=is_transformed)
        header = self._stream_header(len(prefix) + polynomials.nbytes)
        expected = len(header) + len(prefix) + polynomials.nbytes
        stored = polynomials.astype("<u8", copy=False)
        if os.pwritev(descriptor, [header, prefix, stored.data], 0) != expected:
            raise Unavailable("memory-file", f"expected to store {expected} bytes in memory")
        ciphertext.load(self._context, _path(descriptor))

    def _body_prefix(self, polynomials: int, *, is_transformed: bool) -> bytes:
        words = polynomials * self._degree
        identity = self._context.first_parms_id()
        body = _CIPHERTEXT_BODY.pack(
            *identity, is_transformed, polynomials, self._degree, 1, 1.0, 1
        )
        count = struct.pack("<Q", words)
        return body + self._stream_header(len(count) + words * _WORD_BYTES) + count

    def _stream_header(self, body_bytes: int) -> bytes:
        size = _STREAM_HEADER.size
        total = size + body_bytes
        return _STREAM_HEADER.pack(_STREAM_MAGIC, size, *self._version, 0, 0, total)

    def _stream_version(self) -> tuple[int, int]:
        """The version that this SEAL writes into its streams, and alone reads."""
        descriptor = os.memfd_create("blindsum-ring")
        try:
            sealapi.Ciphertext(self._context).save(_path(descriptor))
            header = os.pread(descriptor, _STREAM_HEADER.size, 0)
        finally:
            os.close(descriptor)
        magic, size, major, minor, *_ = _STREAM_HEADER.unpack(header)
        if magic != _STREAM_MAGIC or size != _STREAM_HEADER.size:
            raise Unavailable("tenseal-stream", "expected a stream header of SEAL")
        return major, minor


@lru_cache(maxsize=8)
def ring_of(prime: int, degree: int) -> Ring:
    """The ring of this prime, made once for the process; safe to share between threads."""
    return Ring(prime, degree)


def _path(descriptor: int) -> str:
    return f"/proc/self/fd/{descriptor}"


def _saved_body(ciphertext: sealapi.Ciphertext, descriptor: int) -> npt.NDArray[np.uint8]:
    """What `save` writes behind its header, decompressed: uint8, one dimension.

    `save` always compresses with zstd and Python 3.11 cannot undo that, so the zstd inside
    TenSEAL's own library does (its C interface is exported and stable).
    """
    os.ftruncate(descriptor, 0)
    ciphertext.save(_path(descriptor))
    stream = os.pread(descriptor, os.fstat(descriptor).st_size, 0)[_STREAM_HEADER.size :]
    zstd = _zstd()
    size = zstd.ZSTD_getFrameContentSize(stream, len(stream))
    if size > _MAX_BODY_BYTES:  # also zstd's codes for an unknown size and for no frame at all
        raise Unavailable("tenseal-stream", "expected a zstd frame of a stated size")
    body = np.empty(size, np.uint8)
    if zstd.ZSTD_decompress(body.ctypes.data, size, stream, len(stream)) != size:
        raise Unavailable("tenseal-stream", "expected a whole zstd frame")
    return body


@lru_cache(maxsize=1)
def _zstd() -> ctypes.CDLL:
    library = ctypes.CDLL(sealapi._sealapi_cpp.__file__)  # noqa: SLF001 - its path is no API
    for name, arguments in {
        "ZSTD_getFrameContentSize": [ctypes.c_char_p, ctypes.c_size_t],
        "ZSTD_decompress": [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_char_p, ctypes.c_size_t],
    }.items():
        function = getattr(library, name, None)
        if function is None:
            raise Unavailable("tenseal-zstd", f"expected TenSEAL's library to export {name}")
        function.argtypes, function.restype = arguments, ctypes.c_size_t
    return library
