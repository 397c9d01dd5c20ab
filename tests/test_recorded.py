"""The table of a run: every test is counted once, and a failure has its name."""

import pytest
from recorded import page, results

XML = """<testsuites><testsuite name="pytest" timestamp="2026-11-{day}T10:00:00">
<testcase classname="tests.test_{name}.TestAll" name="a[1]" time="1.5" />
<testcase classname="tests.test_{name}" name="b" time="2"><failure>no</failure></testcase>
<testcase classname="tests.test_{name}" name="c" time="0.25"><skipped /></testcase>
</testsuite></testsuites>"""


def test_each_file_has_a_row_and_each_failure_its_name(tmp_path):
    for day, name in ((29, "one"), (30, "two")):
        (tmp_path / f"{name}.xml").write_text(XML.format(day=day, name=name))
    found, date = results(tmp_path)
    assert len(found) == 6 and date == "2026-11-30"
    text = page(tmp_path, "abc")
    assert "on 2026-11-30, at commit abc" in text and "2 passed, 2 failed, 2 skipped" in text
    assert "| test_one | 1 | 1 | 1 | 4 |" in text and "- test_two: `b`" in text


def test_a_folder_without_results_is_refused(tmp_path):
    with pytest.raises(ValueError, match="has no XML file"):
        results(tmp_path)
