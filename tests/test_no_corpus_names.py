"""The checker knows pipelines by what they say, not by their names: none of diffusers' community examples is named.

Their names are here as the first 12 digits of their SHA-256: those of the files, without `.py`, and of the classes in
them, but for names that diffusers and transformers have as well, plain words, and the guide's one-step pipeline.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
_LIST = """
    008d692de375 016e02e191a4 0216fb8a6464 040e512bcd64 041e7d1c6900 07f3cf30ddcb 091b3e8e5825 0b7bf0f2dddc 0bdff6f23a0e
    0c878fbd5a28 0e3bd36a84d9 0f6b3ee05880 13e674fc0630 151580013b1c 16aa8d7648d9 16d1d3c08371 1759649de850 183e29bf34ac
    18595ad9bf43 1a683caf0edd 1a9b3f178211 1afb3cdb0b0f 1ced93701e92 1d848e467e5c 1d8b2afa7595 1eca9e4361a6 1f4dfd6cc2dd
    1ff874c79c64 20288acb512d 238ec8f458fb 27b19dc4e29f 2942f7c44f9a 29491c913835 2991bbd70597 2b5376f24701 2b90844138fc
    2d737fb2f7f8 2fd3f3dc6e28 30e7442b1738 3277ed1e3c0c 333c0e5f30f7 335aa2c9e0e3 34a143c31d1c 34bdb9334c8c 365cffee9b6b
    36bb058ce28c 36f731f298d0 37fbc268b915 399ce9f9f1ab 3a93e278f8b0 3acda184b91d 3cc2905c15aa 3f61658e1164 40f1a75a893e
    4103562f3323 42d7bb3f31ff 42da9f8e152b 43102dd1b57c 46bd63c8e2f6 4888acbdf7e8 48998d6c1a80 4915d48a6b13 49d6025e00bd
    4b02d4b3c445 4bcf5da4f166 4c6d6f288e8d 4e6e236ed0ca 516a32beed97 52c37b9a6a7d 539a5e88ddeb 56290facb48e 5836de8b9582
    59227d0f8b1b 5a183e50839a 5a2a473d0797 5aa11d5dd567 5c1da8d94b02 5cdf9ac3657b 5de1bed7c4a3 5df5ee7e7ecd 5f05dbe50a74
    6008d2fa74f0 61059dbfe29a 612e9720acb7 631cf533926f 643476d9a1c6 6627d4b3dfa8 669599d6374b 670789ab2057 68cd3dbbd732
    696af8aa697d 699c4cb4096b 69b69433c212 6a678c1c7e4d 6aa9842394e6 6aebc4f7a8ce 6b57521ef845 6c5379a07e36 6f5afafae820
    70a282b23dc5 7142094d88f8 7495bc74ef59 74c3295eb38b 7573b1a4a60f 760f5703f4fa 764926692c04 779688855d18 7805d5ed7dd8
    7904577e318a 79599657fa6d 7ae9bc228c6c 7f2466d15ca9 7f744b937a95 7ffce74b6f45 802fbda1b5ad 8162b95fa4cd 816312e3354e
    8358706bb4a2 85b7496bf515 88192ccc9b12 8d11678852a0 8e01f1214e2e 92163bf64f12 928b713daf0a 9365125a907c 94745f7b5a40
    95977e326c38 98ce72d6bef1 9b786e62240e 9c4feb5fc4c3 9c562e734bcd 9d191d2b89fb 9ebd82f16f96 9fb3283f1384 a060c0152a49
    a183e81faae4 a23fd80495d2 a2bccd9e2771 a75dc2944150 a7d3aa215da1 a9a1b8228bbc b1572154c9aa b34969ce2a36 b4104b1a7432
    b447f64e9b27 b4c045a864b8 b638e12dc324 b6f199d768d8 b871cf739dcf b871fbe56d67 b99f85377a8d ba070509d44d ba3e02929825
    ba4ac3f7e94e ba57e31f63d3 bbc21abc149f bca2e9b6d748 bd885a0ae8ca bf54e16e4fd7 bfc159857cb1 c00fb4d62db7 c028dee593db
    c23f3ee762ea c35b27503cfd c4114dbde386 c57249ce299b c668eeb8c6bd c6e68f87695b c721ec3113f6 c72f781462fc c7b7aad8dcee
    ce022b42ac37 cf922f89362b cfe822a0afa1 d06df55328b9 d236c7487cac d46e18a4c175 d4894e812f99 d4be8b4026c6 d59ec4b4e618
    d5fac222c985 d6affd51774d d76155045573 dbee5f552791 dc34c3ea2787 dd6ad6ce1573 dd7902dc487c de62dab18446 e133b7012644
    e21a7ca9cfa5 e4f7c8796ba0 e639899dd3ab e6efcd9cb6eb e74e20a2f346 e7970574aad6 e79919c667a3 e82b091968c4 eb29eb46dd5a
    eb6f27e28a4b ed5b30161426 ed7626b5f0ea f1b9c5152fe5 f4f5f21a76ae f6cce612a28f f743638cdf59 f7dd2b062c60 f9063e05ff97
    fa49f6a0aa33 fa692b538302 fbcf76e560ff fc5e1d5bcb31 fdbf13871e0a fe9f29cbec83 ff44c2364ab5
"""
NAMES = frozenset(_LIST.split())


def digest(word: str) -> str:
    return hashlib.sha256(word.encode()).hexdigest()[:12]


def words(directory: Path) -> Iterator[tuple[str, str]]:
    """Every word of every text in a directory, and of the names of its files, with the file's path."""
    for path in sorted(directory.rglob("*")):
        if path.is_file() and "__pycache__" not in path.parts:
            try:
                text = path.read_text(encoding="utf-8")
            except UnicodeDecodeError:
                text = ""
            for word in set(re.findall(r"\w+", f"{path.stem} {text}")):
                yield word, str(path.relative_to(ROOT))


def named(directory: Path) -> list[tuple[str, str]]:
    return [(path, word) for word, path in words(directory) if digest(word) in NAMES]


def test_finds_a_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert {len(name) for name in NAMES} == {12}
    monkeypatch.setattr(f"{__name__}.ROOT", tmp_path)
    monkeypatch.setattr(f"{__name__}.NAMES", {digest("clip_mix"), digest("StableSomethingPipeline")})
    (tmp_path / "clip_mix.py").write_text('x = {"StableSomethingPipeline": ("clip_mix.py",)}\n')
    assert sorted(named(tmp_path)) == [("clip_mix.py", "StableSomethingPipeline"), ("clip_mix.py", "clip_mix")]


@pytest.mark.parametrize("directory", ["checks", "bot"])
def test_names_none(directory: str) -> None:
    assert named(ROOT / directory) == []
