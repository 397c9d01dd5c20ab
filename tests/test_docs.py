"""The Python blocks of the documentation run. Its commands: test_commands.py."""

import ast
import json
import re

import pytest
import torch
from documented import PAGES, ROOT, blocks
from torch import nn

import mineral
from mineral.experiments import EXPERIMENTS

TESTED_BY_THEMSELVES = {"README", "losses", "own"}  # test_readme.py, test_own.py
SLOW = {"audit", "benchmark", "negative", "shaping", "threads"}  # 5 s and more on a core
NAMED = r"mineral experiment (\w[\w-]*)(?:`, ((?:`[\w-]+`(?:, )?)+))?"


def names_of_a_bottleneck():
    x, y = torch.rand(32, 784), torch.randint(10, (32,))
    return {"batches": [(x, y)], "held_out": x, "beta": 1e-3}


def names_of_a_game():
    generator = nn.Sequential(nn.Linear(100, 3 * 28 * 28), nn.Tanh(), nn.Unflatten(1, (3, 28, 28)))
    real, z = torch.rand(16, 3, 28, 28), torch.rand(16, 100)
    return {
        "batches": [real],
        "real": real,
        "z": z,
        "code": z[:, 10:],
        "generator": generator,
        "discriminator": nn.Sequential(nn.Flatten(), nn.Linear(3 * 28 * 28, 1)),
        "optimizer": torch.optim.Adam(generator.parameters()),
    }


def names_of_a_model():
    lightning = pytest.importorskip("lightning.pytorch")

    class Model(lightning.LightningModule):
        def __init__(self):
            super().__init__()
            self.encoder = nn.Sequential(nn.Linear(2, 4), nn.ReLU(), nn.Linear(4, 2))

        def training_step(self, batch, _):
            return self.encoder(batch[0]).square().mean()

        def validation_step(self, batch, _):
            self.encoder(batch[0])

        def configure_optimizers(self):
            return torch.optim.SGD(self.parameters(), lr=0.01)

    data = torch.utils.data.TensorDataset(torch.randn(64, 2, generator=torch.manual_seed(0)))
    loader = torch.utils.data.DataLoader(data, batch_size=32)
    return {"model": Model(), "training": loader, "validation": loader}


# What a page leaves to its reader, by a comment in the block.
YOURS = {"bottleneck": names_of_a_bottleneck, "gan": names_of_a_game, "mine": names_of_a_model}


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=pytest.mark.slow if name in SLOW else ())
        for name, path in PAGES.items()
        if name not in TESTED_BY_THEMSELVES
        and path.parent.name != "tutorials"  # test_tutorials.py
        and blocks(path.read_text(), ["python"])
    ],
)
@pytest.mark.filterwarnings("ignore")  # of other libraries: a page promises to run
def test_the_python_blocks_of_a_page_run(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("mineral.mnist.load", lambda _part: (None, None))  # which may not be here
    with torch.random.fork_rng():
        scope = {"__name__": name, **YOURS.get(name, dict)()}
        for text in blocks(PAGES[name].read_text(), ["python"]):
            code = compile(text, f"docs/{name}.md", "exec")
            if "from serve import" not in text:  # a worker, which waits for jobs: test_benchmark
                exec(code, scope)


def test_names_on_pages_that_run_in_slow_tests_exist():
    for page in SLOW:
        for text in blocks(PAGES[page].read_text(), ["python"]):
            for node in ast.walk(ast.parse(text)):
                if isinstance(node, ast.ImportFrom) and node.module.startswith("mineral"):
                    exec(ast.unparse(node), {})
                if isinstance(node, ast.Attribute) and ast.unparse(node.value) == "mineral":
                    assert hasattr(mineral, node.attr), f"{page}: mineral.{node.attr}"


def test_every_experiment_that_is_named_exists():
    texts = {name: path.read_text() for name, path in PAGES.items()}
    for path in (ROOT / "notebooks").glob("*.ipynb"):
        cells = json.loads(path.read_text())["cells"]
        texts[path.name] = "\n".join("".join(cell["source"]) for cell in cells)
    for page, text in texts.items():
        for named in re.findall(NAMED, text):
            for each in (named[0], *re.findall(r"[\w-]+", named[1])):
                assert each in {*EXPERIMENTS, "NAME", "list"}, f"{page}: {each}"
