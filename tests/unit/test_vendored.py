"""What dune files say of the libraries below a folder of sources."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from mirage_py.libraries.findlib import DRIVER, Findlib
from mirage_py.libraries.vendored import Vendored
from mirage_py.model.library import Library


def libraries(folder: Path, preprocessors: Callable[[str], Library | None] = lambda _: None, **dune: str) -> Vendored:
    """Projects of one dune file each, with an opam file of the same name."""
    for name, text in dune.items():
        (folder / name).mkdir()
        (folder / name / "dune").write_text(text)
        (folder / name / "dune-project").write_text("(lang dune 2.9)\n")
        (folder / name / f"{name}.opam").write_text("")
    return Vendored((folder,), preprocessors=preprocessors)


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


PPX = {
    "META": """requires(ppx_driver) = "installed_part"
requires(-ppx_driver) = "runtime"
ppx_runtime_deps = "runtime"
library_kind = "ppx_rewriter"
""",
    "dune-package": """(lang dune 2.9)
(name installed_ppx)
(library (name installed_ppx) (kind ppx_rewriter) (ppx_runtime_deps runtime) (requires installed_part))
""",
}


@pytest.mark.parametrize("described", PPX)
def test_what_an_installed_preprocessor_writes_needs_its_runtime(described: str, tmp_path: Path) -> None:
    part = 'ppx_runtime_deps = "deep_runtime"\nlibrary_kind = "ppx_rewriter"\n'
    for name, file, text in (("installed_ppx", described, PPX[described]), ("installed_part", "META", part)):
        (tmp_path / "site" / name).mkdir(parents=True)
        (tmp_path / "site" / name / file).write_text(text)
    findlib = Findlib((tmp_path / "site",))
    (tmp_path / "sources").mkdir()
    found = libraries(
        tmp_path / "sources",
        lambda name: findlib.find(name, DRIVER),
        user="(library (public_name user) (preprocess (pps installed_ppx)))",
    ).libraries
    assert found["user"].requires == ("runtime", "deep_runtime")
    assert found["user"].tools == ("installed_ppx",)


def test_public_name_goes_before_a_private_one_of_another_project(tmp_path: Path) -> None:
    found = libraries(tmp_path, a="(library (name fmt))", b="(library (public_name fmt))").libraries
    assert found["fmt"].directory == tmp_path / "b"


@pytest.mark.parametrize("where", ["made", "made/deeper"])
def test_folder_that_only_rules_fill_is_no_trouble(where: str, tmp_path: Path) -> None:
    found = libraries(tmp_path, a=f"(subdir {where} (rule (with-stdout-to x.txt (echo x)))) (library (public_name a))")
    assert list(found.libraries) == ["a"]
    assert found.problems == []


def test_first_of_two_old_names_counts(tmp_path: Path) -> None:
    old = "(deprecated_library_name (old_public_name old) (new_public_name {}))"
    found = libraries(tmp_path, a=old.format("new"), b=old.format("other"))
    assert found.libraries["old"].requires == ("new",)
