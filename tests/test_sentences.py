"""Every sentence for users is in one file for reviewers, and every caution code in the glossary."""

import re
from pathlib import Path

from sentences import codes, sentences

ROOT = Path(__file__).parent.parent


def test_the_list_of_sentences_is_that_of_the_source():
    held = (ROOT / "tests" / "sentences.txt").read_text(encoding="utf-8")
    assert held == sentences(), "run `python tests/sentences.py > tests/sentences.txt`"


def test_the_glossary_lists_exactly_the_caution_codes_of_the_source():
    page = (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8")
    listed = re.findall(
        r"^\| `([a-z-]+)` \|", page.split("## Caution codes")[1], flags=re.MULTILINE
    )
    assert len(listed) == len(set(listed))
    assert set(listed) == codes()


def test_no_sentence_uses_a_figure_of_speech():
    figures = r"\b(told|tells?|stands?|taken for|says nothing|comes again|in so many)\b"
    held = (ROOT / "tests" / "sentences.txt").read_text(encoding="utf-8")
    assert not re.findall(rf".*{figures}.*", held)
