"""Randomness: initialising the generator before any other device runs."""

from __future__ import annotations

from mirage_py.dsl.impl import impl
from mirage_py.dsl.package import bounded
from mirage_py.dsl.types import typ
from mirage_py.types import Random

random = typ(Random, signature="an initialised Mirage_crypto_rng")

default_random = impl(
    "Mirage_crypto_rng_mirage",
    random,
    packages=[bounded("mirage-crypto-rng-mirage")],
    connect="{module}.initialize (module Mirage_crypto_rng.Fortuna)",
)
"""The generator of mirage-crypto, seeded from what the target offers."""

no_random = impl("Mirage_runtime", random, connect="return ()")
"""No generator is initialised."""
