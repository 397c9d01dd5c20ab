"""What a release needs: one version, one licence, a wheel without ballast. See `make release`."""

import json
import re
import runpy
import tomllib

import pytest
from documented import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
CITATION = dict(re.findall(r"^([\w-]+): *(.*)$", (ROOT / "CITATION.cff").read_text(), flags=re.M))
CODEMETA = json.loads((ROOT / "codemeta.json").read_text())
BIBLIOGRAPHY = (ROOT / "paper" / "paper.bib").read_text(encoding="utf-8")
CHECK = runpy.run_path(str(ROOT / "release" / "check.py"), run_name="imported")


def test_all_files_have_the_version_of_the_project():
    assert CITATION["version"] == CODEMETA["version"] == PROJECT["version"]


def test_all_files_have_the_licence_and_words_of_the_project():
    assert CITATION["license"] == PROJECT["license"]
    assert CODEMETA["license"].endswith(f"/{PROJECT['license']}")
    assert CODEMETA["description"] == PROJECT["description"]
    assert CODEMETA["keywords"] == PROJECT["keywords"]


def test_workflows_test_every_python_from_the_oldest_and_change_nothing():
    workflows = [path.read_text() for path in (ROOT / ".github" / "workflows").glob("*.yml")]
    oldest = PROJECT["requires-python"].removeprefix(">=")
    assert any(f'"{oldest}"' in text for text in workflows)
    for text in workflows:
        assert "permissions:\n  contents: read\n" in text
        assert text.count("actions/checkout@") == text.count("persist-credentials: false")
        for target in re.findall(r"run: make (\w+)", text):
            assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text(), flags=re.M)


@pytest.mark.parametrize(
    ("sizes", "message"),
    [
        ({"a-1-py3.whl": 10}, "one wheel and one source"),
        ({"a-1-py3.whl": 10, "b-1-py3.whl": 10, "a-1.tar.gz": 10}, "one wheel and one source"),
        ({"a-1-py3.whl": 1_000_001, "a-1.tar.gz": 10}, "more than 1,000,000"),
    ],
)
def test_a_release_with_a_fault_is_refused(sizes, message, tmp_path, monkeypatch):
    for name, size in sizes.items():
        (tmp_path / name).write_bytes(bytes(size))
    monkeypatch.setattr("sys.argv", ["check.py", str(tmp_path)])
    with pytest.raises(SystemExit, match=message):
        CHECK["main"]()


def test_the_conda_recipe_has_the_version_and_dependencies_of_the_project():
    recipe = (ROOT / "release" / "conda" / "recipe.yaml").read_text()
    assert f'version: "{PROJECT["version"]}"' in recipe
    assert f'python_min: "{PROJECT["requires-python"].removeprefix(">=")}"' in recipe
    run = recipe.split("  run:\n")[1].split("\n\n")[0]
    named = {line.strip(" -").replace(" ", "") for line in run.splitlines()[1:]}
    assert {name.replace("pytorch", "torch") for name in named} == set(PROJECT["dependencies"])


def test_sources_of_the_paper_exist_and_have_a_doi():
    entries = re.findall(r"^@\w+\{(\w+),\n(.*?)^\}", BIBLIOGRAPHY, flags=re.M | re.S)
    without = [key for key, fields in entries if "doi = {10." not in fields]
    assert without == ["pedregosa2011"]  # JMLR gives none
    paper = (ROOT / "paper" / "paper.md").read_text()
    assert set(re.findall(r"@(\w+\d{4})", paper)) <= {key for key, _ in entries}
    for picture in re.findall(r"\]\(([^)]+\.png)\)", paper):
        assert (ROOT / "paper" / picture).exists()
