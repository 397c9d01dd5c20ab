"""What the documentation shows works: Python blocks run, and commands are commands."""

import json
import re
import shlex
from pathlib import Path

import pytest
import torch
from torch import nn
from typer.main import get_command

from mineral.cli.app import app
from mineral.experiments import EXPERIMENTS

ROOT = Path(__file__).parent.parent
PAGES = {path.stem: path for path in [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]}
TESTED_BY_THEMSELVES = {"README", "losses", "own"}  # test_readme.py, test_own.py
SLOW = {"audit", "benchmark", "shaping"}  # 20 s and more on a core
NAMED = r"mineral experiment (\w[\w-]*)(?:`, ((?:`[\w-]+`(?:, )?)+))?"
SHELL = ["|", ">", "<", "&&", ";", "$("]


def blocks(page, languages):
    """The fenced blocks of these languages, without the indentation of lists."""
    found = re.findall(r"^ *```(\w*)\n(.*?)^ *```", page, flags=re.DOTALL | re.MULTILINE)
    return [text for language, text in found if language in languages]


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
        if name not in TESTED_BY_THEMSELVES and blocks(path.read_text(), ["python"])
    ],
)
@pytest.mark.filterwarnings("ignore")  # of other libraries: a page promises to run
def test_the_python_blocks_of_a_page_run(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with torch.random.fork_rng():
        scope = {"__name__": name, **YOURS.get(name, dict)()}
        for text in blocks(PAGES[name].read_text(), ["python"]):
            code = compile(text, f"docs/{name}.md", "exec")
            if "from serve import" not in text:  # a worker, which waits for jobs: test_benchmark
                exec(code, scope)


def commands(page):
    """Command lines that begin with `mineral`, of blocks in fences, indented, or after `$ `."""
    text = page.replace("\\\n", " ")
    found = [line for block in blocks(text, ["", "sh"]) for line in block.splitlines()]
    found += re.findall(r"^    (mineral .*)$", text, flags=re.MULTILINE)
    lines = [re.sub(r"^\$ ", "", line.strip()) for line in found]
    lines += re.findall(r"`(mineral [^`\n]+)`", text)
    return [line for line in lines if re.match(r"mineral( |$)", line)]


def parsed(line):
    """Whether click takes the line; placeholders such as NAME and FILE are words like others."""
    words = shlex.split(re.sub(r"\s\[.*", "", line), comments=True)[1:]
    words = words[: next((i for i, word in enumerate(words) if word in SHELL), len(words))]
    if "…" in words or not words or words[0].startswith("-"):
        return
    command = get_command(app).commands[words[0]]
    names_an_option = words[-1].startswith("-")  # in a sentence, without its value
    resilient = "…" in line or len(words) == 1 or names_an_option
    try:
        command.make_context(words[0], words[1:], resilient_parsing=resilient)
    except Exception as error:
        if not (names_an_option and "requires an argument" in str(error)):
            raise


@pytest.mark.parametrize("name", PAGES)
def test_the_commands_of_a_page_exist_with_their_options(name):
    for line in dict.fromkeys(commands(PAGES[name].read_text())):
        try:
            parsed(line)
        except Exception as error:
            pytest.fail(f"{line}: {type(error).__name__} {error}")


def test_every_experiment_that_is_named_exists():
    texts = {name: path.read_text() for name, path in PAGES.items()}
    for path in (ROOT / "notebooks").glob("*.ipynb"):
        cells = json.loads(path.read_text())["cells"]
        texts[path.name] = "\n".join("".join(cell["source"]) for cell in cells)
    for page, text in texts.items():
        for named in re.findall(
            r"mineral experiment (\w[\w-]*)(?:`, ((?:`[\w-]+`(?:, )?)+))?", text
        ):
            for each in (named[0], *re.findall(r"[\w-]+", named[1])):
                assert each in {*EXPERIMENTS, "NAME", "list"}, f"{page}: {each}"
