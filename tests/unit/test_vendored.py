"""What dune files say of the libraries below a folder of sources."""

from __future__ import annotations

from pathlib import Path

import pytest

from mirage_py.libraries.vendored import Vendored


def libraries(folder: Path, **dune: str) -> Vendored:
    """Projects of one dune file each, with an opam file of the same name."""
    for name, text in dune.items():
        (folder / name).mkdir()
        (folder / name / "dune").write_text(text)
        (folder / name / "dune-project").write_text("(lang dune 2.9)\n")
        (folder / name / f"{name}.opam").write_text("")
    return Vendored((folder,))


def test_what_a_preprocessor_writes_needs_its_runtime(tmp_path: Path) -> None:
    found = libraries(
        tmp_path,
        user="(library (public_name user) (libraries base) (preprocess (pps deep -- --flag)))",
        deep="(library (public_name deep) (kind ppx_rewriter) (libraries shallow) (ppx_runtime_libraries deep_lib))"
        "(library (name deep_lib) (public_name deep.lib))",
        shallow="(library (public_name shallow) (kind ppx_deriver) (ppx_runtime_libraries runtime))",
    ).libraries
    assert found["user"].requires == ("base", "deep.lib", "runtime")
    assert found["deep"].requires == ("shallow",), "a preprocessor is linked with none of that"


def test_public_name_goes_before_a_private_one_of_another_project(tmp_path: Path) -> None:
    found = libraries(tmp_path, a="(library (name fmt))", b="(library (public_name fmt))").libraries
    assert found["fmt"].directory == tmp_path / "b"


@pytest.mark.parametrize("where", ["made", "made/deeper"])
def test_folder_that_only_rules_fill_is_no_trouble(where: str, tmp_path: Path) -> None:
    found = libraries(tmp_path, a=f"(subdir {where} (rule (with-stdout-to x.txt (echo x)))) (library (public_name a))")
    assert list(found.libraries) == ["a"]
    assert found.problems == []
