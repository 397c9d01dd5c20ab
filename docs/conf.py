"""The documentation site: `make docs` builds it into build/site."""

import os
import sys
import tomllib
from pathlib import Path

DOCS = Path(__file__).parent
sys.path.insert(0, str(DOCS / "site"))
# Of executed pages, too: the library of this copy, and the style of figures.
os.environ["PYTHONPATH"] = os.pathsep.join(
    [str(DOCS.parent / "src"), *filter(None, [os.environ.get("PYTHONPATH")])]
)
os.environ["MATPLOTLIBRC"] = str(DOCS / "site" / "matplotlibrc")

import executed  # noqa: E402

project = "Mineral"
author = "The Mineral authors"
copyright = author
release = tomllib.loads((DOCS.parent / "pyproject.toml").read_text())["project"]["version"]
version = release

extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "docstrings",
    "sphinx.ext.napoleon",
    "sphinx_copybutton",
    "sphinx_design",
    "sphinx_gallery.gen_gallery",
    "sphinxcontrib.bibtex",
    "llms",
]
exclude_patterns = ["site"]

# Tutorials are executed: `{code-cell}`. Their outputs are kept until the library changes.
nb_execution_mode = "cache"
nb_execution_cache_path = str(executed.folder(DOCS))
nb_execution_in_temp = True
nb_execution_raise_on_error = True
nb_execution_timeout = 300  # seconds a cell
nb_merge_streams = True
nb_code_prompt_show = "Show the code of the figure"
nb_code_prompt_hide = "Hide the code of the figure"

# The gallery: examples/*/*.py, executed in their order. `gallery` is generated.
executed.forget_outdated(DOCS / "gallery", DOCS)
sphinx_gallery_conf = {
    "examples_dirs": "../examples",
    "gallery_dirs": "gallery",
    "filename_pattern": r"\.py$",
    "within_subsection_order": "FileNameSortKey",
    "abort_on_example_error": True,
    "capture_repr": (),
    "reset_modules": ("executed.reset",),
    "notebook_extensions": set(),
    "download_all_examples": False,
    "show_signature": False,
    "min_reported_time": 3600,
    "write_computation_times": False,
    "image_srcset": [],
}

bibtex_bibfiles = ["../paper/paper.bib"]
bibtex_default_style = "unsrt"

# Pages are Markdown that GitHub shows as well: directives are in colons, not in backquotes.
myst_enable_extensions = ["colon_fence"]
myst_heading_anchors = 3
copybutton_prompt_text = r">>> |\.\.\. |\$ "
copybutton_prompt_is_regexp = True

autosummary_generate = False
python_maximum_signature_line_length = 80
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
autodoc_preserve_defaults = True
default_role = "py:obj"  # `name` in a docstring is a link if it is a public name
nitpicky = True
nitpick_ignore_regex = [
    ("py:obj", "(?s).*"),  # not every `word` in a docstring is a name
    ("py:(class|data|func|exc)", r"(?!mineral\.).*"),  # of other libraries
]

html_theme = "pydata_sphinx_theme"
html_title = "Mineral"
html_theme_options = {
    "navigation_with_keys": False,
    "show_toc_level": 2,
    "header_links_before_dropdown": 7,
    "footer_start": ["copyright"],
    "footer_end": [],
    "navbar_align": "left",
}
html_context = {"default_mode": "auto"}  # light or dark, as the reader's system
html_static_path = ["site/static"]
html_css_files = ["mineral.css"]
html_search_scorer = str(DOCS / "site" / "scorer.js")
html_copy_source = True
html_show_sourcelink = True
