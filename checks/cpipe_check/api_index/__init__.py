"""Which names each indexed release of diffusers and transformers has: packed data, the look-up and the builder.

>>> index = load()
>>> index.exists("diffusers.utils", "randn_tensor", "0.20.2")
True
"""

from cpipe_check.api_index.lookup import SOURCE, ApiIndex, load
from cpipe_check.api_index.model import ApiIndexError, ClassInfo, Home, Parameter, Signature, VersionRange

__all__ = [
    "SOURCE",
    "ApiIndex",
    "ApiIndexError",
    "ClassInfo",
    "Home",
    "Parameter",
    "Signature",
    "VersionRange",
    "load",
]
